-- A script for sysbench: every event reads the whole table.

sysbench.cmdline.options = { table_size = { "Rows of the table", 100000 } }

function thread_init()
   connection = sysbench.sql.driver():connect()
end

function event()
   connection:query("SELECT * FROM sbtest1")
end

function thread_done()
   connection:disconnect()
end
