// MySQL Connector/J and MariaDB Connector/J (the first argument tells which) by JDBC, alone and in HikariCP's pool.
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.*;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.sql.*;
import java.time.LocalDateTime;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;

public class Jdbc {
    static final String host = System.getenv("MYSQL_HOST");
    static final String port = System.getenv("MYSQL_PORT");
    static final String ca = System.getenv("MYSQL_CA");
    static final boolean toMariadb = System.getenv("MYSQL_SERVER").equals("mariadb");
    static boolean isOracles;
    static final List<Connection> opened = Collections.synchronizedList(new ArrayList<>());
    static final AtomicInteger tables = new AtomicInteger();

    interface Body { void run() throws Exception; }

    static void check(boolean condition, Object got) {
        if (!condition) throw new AssertionError("unexpected: " + got);
    }

    static void run(String name, Body body) {
        String wanted = System.getenv("INTEROP_CASE");
        if (wanted != null && !wanted.equals(name)) return;
        ExecutorService thread = Executors.newSingleThreadExecutor(task -> { Thread t = new Thread(task); t.setDaemon(true); return t; });
        try {
            thread.submit(() -> { body.run(); return null; }).get(40, TimeUnit.SECONDS);
            System.out.println("ok " + name);
        } catch (Throwable error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            String where = "";
            for (StackTraceElement at : cause.getStackTrace()) if (at.getClassName().startsWith("Jdbc")) where += " " + at.getLineNumber();
            System.out.println("FAIL " + name + "\t" + String.valueOf(cause).replace('\n', ' ') + ", lines" + where);
        }
        for (Connection each : opened) {
            try { each.abort(Runnable::run); } catch (Exception ignored) { /* it is closed */ }
        }
        opened.clear();
    }

    static String url(String database, String... options) {
        List<String> all = new ArrayList<>(List.of(options));
        if (all.stream().noneMatch(each -> each.startsWith("sslMode"))) all.add(isOracles ? "sslMode=DISABLED" : "sslMode=disable");
        all.add("allowPublicKeyRetrieval=true");
        return "jdbc:" + (isOracles ? "mysql" : "mariadb") + "://" + host + ":" + port + "/" + database + "?" + String.join("&", all);
    }

    static Connection open(String... options) throws SQLException {
        Connection connection = DriverManager.getConnection(url("app", options), "app", "app");
        opened.add(connection);
        return connection;
    }

    /** Text statements, and statements prepared at the server. */
    static final String[][] WAYS = {{}, {"useServerPrepStmts=true", "cachePrepStmts=true"}};

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) { statement.execute(sql); }
    }

    static String value(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                return rows.getString(1);
            }
        }
    }

    static String table(Connection connection, String columns) throws SQLException {
        String name = "j" + ProcessHandle.current().pid() + "_" + tables.incrementAndGet();
        execute(connection, "CREATE TABLE " + name + " (" + columns + ")");
        return name;
    }

    static SQLException fails(int code, Body body) throws Exception {
        try {
            body.run();
        } catch (SQLException error) {
            check(error.getErrorCode() == code, error.getErrorCode() + " " + error.getSQLState() + " " + error.getMessage());
            return error;
        }
        throw new AssertionError("no error " + code);
    }

    static void until(Callable<Boolean> condition) throws Exception {
        while (!condition.call()) Thread.sleep(5);
    }

    static final String MANY = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 300) SELECT a.n, b.n AS m FROM r a, r b LIMIT 50000";

    static void login() throws Exception {
        run("login", () -> {
            Connection c = open();
            check(value(c, "SELECT CURRENT_USER()").startsWith("app@"), "user");
            check(c.isValid(5) && c.getCatalog().equals("app"), c.getCatalog());
            c.setCatalog("mysql");
            check(value(c, "SELECT DATABASE()").equals("mysql"), "database");
        });
        run("refused logins", () -> {
            fails(1045, () -> DriverManager.getConnection(url("app"), "app", "wrong"));
            fails(1045, () -> DriverManager.getConnection(url("app"), "nobody", ""));
            fails(1049, () -> DriverManager.getConnection(url("nowhere"), "app", "app"));
        });
        run("a database that is created", () -> {
            if (!isOracles) return; // MariaDB's does it the same way
            try (Connection c = DriverManager.getConnection(url("made", "createDatabaseIfNotExist=true"), "app", "app")) {
                check(value(c, "SELECT DATABASE()").equals("made"), "database");
            }
        });
        run("TLS", () -> {
            Connection c = open(isOracles ? new String[] {"sslMode=REQUIRED"} : new String[] {"sslMode=verify-ca", "serverSslCert=" + ca});
            check(value(c, "SELECT 5").equals("5"), "5");
        });
        run("compression", () -> {
            Connection c = open("useCompression=true");
            check(value(c, "SELECT REPEAT('x', 1000000)").length() == 1_000_000, "length");
            check(value(c, "SELECT ?", "y".repeat(1_000_000)).length() == 1_000_000, "length");
        });
        run("session variables and time zone", () -> {
            String zone = isOracles ? "connectionTimeZone=%2B05:00" : "timezone=+05:00";
            Connection c = open("sessionVariables=sql_mode='ANSI_QUOTES',wait_timeout=1234", zone, "forceConnectionTimeZoneToSession=true");
            check(value(c, "SELECT @@wait_timeout").equals("1234"), "wait_timeout");
            check(value(c, "SELECT @@sql_mode").startsWith("ANSI_QUOTES"), "sql_mode");
            check(value(c, "SELECT @@time_zone").equals("+05:00"), "time_zone");
        });
    }

    static void values() throws Exception {
        for (String[] way : WAYS) {
            String suffix = way.length == 0 ? "" : ", prepared at the server";
            run("types" + suffix, () -> {
                Connection c = open(way);
                String t = table(c, "i INT, u BIGINT UNSIGNED, d DECIMAL(20,5), f DOUBLE, dt DATETIME(6), ti TIME, s TEXT CHARACTER SET utf8mb4, b BLOB, n INT, bo BIT(1)");
                // MySQL's takes MariaDB for an old server without fractions of seconds.
                LocalDateTime time = LocalDateTime.of(2020, 2, 29, 12, 34, 56, isOracles && toMariadb ? 0 : 789_012_000);
                Object[] given = {-1, new java.math.BigInteger("9223372036854775807"), new BigDecimal("123.45600"), 1.5, time, Time.valueOf("12:34:56"), "ä😀'\"\\?", new byte[] {0, -1, 39}, null, true};
                try (PreparedStatement insert = c.prepareStatement("INSERT INTO " + t + " VALUES (?,?,?,?,?,?,?,?,?,?)")) {
                    for (int i = 0; i < given.length; i++) insert.setObject(i + 1, given[i]);
                    check(insert.executeUpdate() == 1, "rows");
                }
                try (PreparedStatement select = c.prepareStatement("SELECT * FROM " + t + " WHERE i = ?")) {
                    select.setInt(1, -1);
                    ResultSet row = select.executeQuery();
                    row.next();
                    for (int i = 0; i < given.length; i++) {
                        Object found = i == 4 ? row.getObject(5, LocalDateTime.class) : i == 7 ? row.getBytes(8) : row.getObject(i + 1);
                        check(Objects.deepEquals(found, given[i]), i + ": " + found);
                    }
                }
            });
            run("300 statements" + suffix, () -> {
                Connection c = open(way);
                for (int i = 0; i < 300; i++) check(value(c, "SELECT ? + " + i, 1).equals(String.valueOf(i + 1)), i);
                for (int i = 0; i < 50; i++) check(value(c, "SELECT ? + 0", i).equals(String.valueOf(i)), i);
            });
            run("errors and warnings" + suffix, () -> {
                Connection c = open(way);
                check(fails(1064, () -> value(c, "SELECT FROM ?", 1)).getSQLState().equals("42000"), "state");
                fails(1146, () -> value(c, "SELECT * FROM nowhere WHERE 1 = ?", 1));
                String t = table(c, "id INT PRIMARY KEY, a TINYINT");
                try (PreparedStatement insert = c.prepareStatement("INSERT INTO " + t + " VALUES (?, ?)")) {
                    insert.setInt(1, 1);
                    insert.setInt(2, 1);
                    insert.execute();
                    fails(1062, insert::execute);
                    insert.setInt(1, 2);
                    insert.setInt(2, 1000);
                    fails(1264, insert::execute);
                    execute(c, "SET sql_mode = ''");
                    insert.execute();
                    check(insert.getWarnings().getErrorCode() == 1264, insert.getWarnings());
                }
            });
            run("20 MB" + suffix, () -> {
                Connection c = open(way);
                byte[] big = new byte[20_000_000];
                for (int i = 0; i < big.length; i++) big[i] = (byte) (i % 251 * 7);
                String t = table(c, "b LONGBLOB");
                try (PreparedStatement insert = c.prepareStatement("INSERT INTO " + t + " VALUES (?)")) {
                    insert.setBinaryStream(1, new ByteArrayInputStream(big));
                    insert.execute();
                }
                try (Statement select = c.createStatement(); ResultSet rows = select.executeQuery("SELECT b FROM " + t)) {
                    rows.next();
                    check(Arrays.equals(rows.getBytes(1), big), "bytes");
                }
            });
        }
        run("updatable rows", () -> {
            Connection c = open();
            String t = table(c, "id INT PRIMARY KEY, a INT");
            execute(c, "INSERT INTO " + t + " VALUES (1, 1), (2, 2), (3, 3)");
            try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE); ResultSet rows = s.executeQuery("SELECT id, a FROM " + t)) {
                rows.absolute(2);
                rows.updateInt(2, 20);
                rows.updateRow();
                rows.moveToInsertRow();
                rows.updateInt(1, 4);
                rows.updateInt(2, 40);
                rows.insertRow();
                rows.first();
                rows.deleteRow();
            }
            check(value(c, "SELECT SUM(a) FROM " + t).equals("63"), "sum");
        });
        run("metadata", () -> {
            Connection c = open();
            String t = table(c, "id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL, UNIQUE (name)");
            DatabaseMetaData about = c.getMetaData();
            ResultSet columns = about.getColumns("app", null, t, "%");
            columns.next();
            check(columns.getString("COLUMN_NAME").equals("id") && columns.getString("IS_AUTOINCREMENT").equals("YES"), "column");
            check(about.getPrimaryKeys("app", null, t).next(), "key");
            check(about.getTables("app", null, t, null).next() && about.getIndexInfo("app", null, t, false, false).next(), "table");
            check(about.getDatabaseProductVersion().matches("\\d+\\..*"), about.getDatabaseProductVersion());
        });
    }

    static void batches() throws Exception {
        String[][] ways = {
            {"rewriteBatchedStatements=false"}, {"rewriteBatchedStatements=true"},
            {"rewriteBatchedStatements=true", "useServerPrepStmts=true"}, {"useServerPrepStmts=true"},
            {isOracles ? "useServerPrepStmts=true" : "useBulkStmts=true", "cachePrepStmts=true"},
        };
        for (String[] way : ways) {
            run("batch: " + String.join(" ", way), () -> {
                Connection c = open(way);
                Connection other = open();
                String t = table(c, "id INT AUTO_INCREMENT PRIMARY KEY, a INT, s VARCHAR(50), n INT");
                c.setAutoCommit(false);
                try (PreparedStatement insert = c.prepareStatement("INSERT INTO " + t + " (a, s, n) VALUES (?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
                    for (int round = 0; round < 2; round++) {
                        for (int i = 0; i < 2_500; i++) {
                            insert.setInt(1, i);
                            insert.setString(2, "ä" + i);
                            if (i % 3 == 0) insert.setNull(3, Types.INTEGER); else insert.setInt(3, i);
                            insert.addBatch();
                        }
                        check(insert.executeBatch().length == 2_500, "batch");
                    }
                }
                check(value(other, "SELECT COUNT(*) FROM " + t).equals("0"), "seen before its time");
                c.commit();
                check(value(other, "SELECT SUM(a) FROM " + t).equals("6247500"), "sum");
                check(value(other, "SELECT COUNT(*) FROM " + t + " WHERE n IS NULL").equals("1668"), "nulls");
                try (PreparedStatement update = c.prepareStatement("UPDATE " + t + " SET a = ? WHERE id = ?")) {
                    for (int i = 1; i <= 200; i++) {
                        update.setInt(1, -i);
                        update.setInt(2, i);
                        update.addBatch();
                    }
                    update.executeBatch();
                }
                c.commit();
                check(value(other, "SELECT COUNT(*) FROM " + t + " WHERE a < 0").equals("200"), "updated");
            });
        }
        run("batch with an error", () -> {
            Connection c = open();
            String t = table(c, "id INT PRIMARY KEY");
            try (Statement s = c.createStatement()) {
                for (int id : new int[] {1, 2, 1, 3}) s.addBatch("INSERT INTO " + t + " VALUES (" + id + ")");
                try {
                    s.executeBatch();
                    throw new AssertionError("no error");
                } catch (BatchUpdateException error) {
                    check(error.getErrorCode() == 1062, error);
                }
            }
            check(value(c, "SELECT 1").equals("1"), "goes on");
        });
        run("generated keys", () -> {
            Connection c = open();
            Connection other = open();
            String t = table(c, "id INT AUTO_INCREMENT PRIMARY KEY, a INT");
            try (Statement s = c.createStatement()) {
                s.executeUpdate("INSERT INTO " + t + " (a) VALUES (1), (2)", Statement.RETURN_GENERATED_KEYS);
                ResultSet keys = s.getGeneratedKeys();
                keys.next();
                check(keys.getInt(1) == 1, keys.getInt(1));
            }
            execute(other, "INSERT INTO " + t + " (a) VALUES (1)");
            check(value(c, "SELECT LAST_INSERT_ID()").equals("1"), "id");
        });
    }

    static void results() throws Exception {
        String[][] ways = {{}, {"useServerPrepStmts=true"}, {isOracles ? "useCursorFetch=true" : "useServerPrepStmts=true"}};
        for (int i = 0; i < ways.length; i++) {
            String[] way = ways[i];
            int size = i < 2 && isOracles ? Integer.MIN_VALUE : 100 + i;
            run("rows as they come: " + String.join(" ", way) + " " + size, () -> {
                Connection c = open(way);
                Connection other = open();
                try (PreparedStatement s = c.prepareStatement(MANY, ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
                    s.setFetchSize(size);
                    int count = 0;
                    try (ResultSet rows = s.executeQuery()) {
                        while (rows.next()) {
                            count++;
                            if (count % 10_000 == 0) check(value(other, "SELECT ?", count).equals(String.valueOf(count)), "other");
                        }
                    }
                    check(count == 50_000, count);
                    // Left in the middle.
                    try (ResultSet rows = s.executeQuery()) { rows.next(); }
                }
                check(value(c, "SELECT 1").equals("1"), "goes on");
            });
        }
        run("several statements and results", () -> {
            Connection c = open("allowMultiQueries=true");
            try (Statement s = c.createStatement()) {
                check(s.execute("SELECT 1; SET @m = 2; SELECT @m"), "rows");
                check(!s.getMoreResults() && s.getUpdateCount() == 0, "count");
                check(s.getMoreResults(), "more");
                ResultSet rows = s.getResultSet();
                rows.next();
                check(rows.getInt(1) == 2, rows.getInt(1));
            }
        });
        for (String[] way : WAYS) {
            run("procedure" + (way.length == 0 ? "" : ", prepared at the server"), () -> {
                Connection c = open(way);
                String p = "p" + ProcessHandle.current().pid() + "_" + tables.incrementAndGet();
                execute(c, "CREATE PROCEDURE " + p + " (IN a INT, OUT b INT, INOUT s VARCHAR(20)) BEGIN SELECT a; SELECT a + 1; SET b = a * 2, s = CONCAT(s, 'ä'); END");
                for (int i = 20; i < 25; i++) {
                    try (CallableStatement call = c.prepareCall("{CALL " + p + "(?, ?, ?)}")) {
                        call.setInt(1, i);
                        call.registerOutParameter(2, Types.INTEGER);
                        call.setString(3, "x");
                        call.registerOutParameter(3, Types.VARCHAR);
                        call.execute();
                        ResultSet rows = call.getResultSet();
                        rows.next();
                        check(rows.getInt(1) == i, rows.getInt(1));
                        check(call.getMoreResults(), "second");
                        check(call.getInt(2) == 2 * i && call.getString(3).equals("xä"), call.getInt(2));
                    }
                }
            });
        }
        run("LOAD DATA LOCAL", () -> {
            Connection c = open("allowLoadLocalInfile=true", "allowLocalInfile=true");
            String t = table(c, "a INT, b VARCHAR(20)");
            Path file = Files.createTempFile("portolan-interop-", ".tsv");
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 20_000; i++) text.append(i).append("\tline ").append(i).append('\n');
            Files.writeString(file, text);
            execute(c, "LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE " + t);
            Files.delete(file);
            check(value(c, "SELECT SUM(a) FROM " + t).equals("199990000"), "sum");
        });
    }

    static void sessions() throws Exception {
        run("transactions, savepoints, isolation", () -> {
            Connection c = open();
            Connection other = open();
            String t = table(c, "a INT");
            c.setAutoCommit(false);
            c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            execute(c, "INSERT INTO " + t + " VALUES (1)");
            Savepoint savepoint = c.setSavepoint();
            execute(c, "INSERT INTO " + t + " VALUES (2)");
            c.rollback(savepoint);
            check(value(other, "SELECT COUNT(*) FROM " + t).equals("0"), "seen");
            c.commit();
            check(value(other, "SELECT SUM(a) FROM " + t).equals("1"), "sum");
            check(c.getTransactionIsolation() == Connection.TRANSACTION_READ_COMMITTED, "isolation");
            c.setReadOnly(true);
            try {
                execute(c, "INSERT INTO " + t + " VALUES (3)");
                if (isOracles) throw new AssertionError("written");
            } catch (SQLException error) { /* by the driver or the server */ }
            c.rollback();
            c.setReadOnly(false);
            execute(c, "DELETE FROM " + t);
            c.rollback();
            check(value(other, "SELECT COUNT(*) FROM " + t).equals("1"), "rolled back");
        });
        run("deadlock", () -> {
            Connection a = open();
            Connection b = open();
            String t = table(a, "id INT PRIMARY KEY, a INT");
            execute(a, "INSERT INTO " + t + " VALUES (1, 0), (2, 0)");
            a.setAutoCommit(false);
            b.setAutoCommit(false);
            execute(a, "UPDATE " + t + " SET a = 1 WHERE id = 1");
            execute(b, "UPDATE " + t + " SET a = 2 WHERE id = 2");
            CompletableFuture<Integer> waiting = CompletableFuture.supplyAsync(() -> {
                try { execute(a, "UPDATE " + t + " SET a = 1 WHERE id = 2"); return 0; } catch (SQLException error) { return error.getErrorCode(); }
            });
            int second = 0;
            try { execute(b, "UPDATE " + t + " SET a = 2 WHERE id = 1"); } catch (SQLException error) { second = error.getErrorCode(); }
            if (second == 0) b.commit(); else b.rollback();
            check(waiting.get() + second == 1213, second);
            a.rollback();
        });
        run("session state", () -> {
            Connection c = open();
            Connection other = open();
            execute(c, "CREATE TEMPORARY TABLE only_mine (a INT)");
            execute(c, "SET @x = 'ä', time_zone = '+03:00'");
            check(value(other, "SELECT @x") == null, "another's");
            fails(1146, () -> value(other, "SELECT * FROM only_mine"));
            check(value(c, "SELECT CONCAT(@x, @@time_zone)").equals("ä+03:00"), "mine");
            check(value(c, "SELECT COUNT(*) FROM only_mine").equals("0"), "table");
        });
        run("change of the user, reset", () -> {
            if (!isOracles) return; // it has neither
            Connection c = open();
            var jdbc = c.unwrap(com.mysql.cj.jdbc.JdbcConnection.class);
            execute(c, "SET @x = 1");
            jdbc.resetServerState();
            check(value(c, "SELECT @x") == null, "reset");
            jdbc.changeUser("empty", "");
            check(value(c, "SELECT CURRENT_USER()").startsWith("empty@"), "user");
        });
        run("a query that is cancelled, and one that is late", () -> {
            Connection c = open();
            try (Statement s = c.createStatement()) {
                CompletableFuture<String> outcome = CompletableFuture.supplyAsync(() -> {
                    try { ResultSet rows = s.executeQuery("SELECT SLEEP(30), 7 FROM DUAL"); rows.next(); return rows.getString(1); } catch (SQLException error) { return "error"; }
                });
                Connection other = open();
                until(() -> value(other, "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE 'SELECT SLEEP(30), 7%'").equals("1"));
                s.cancel();
                check(Set.of("1", "error").contains(outcome.get(15, TimeUnit.SECONDS)), outcome);
            }
            check(value(c, "SELECT 1").equals("1"), "goes on");
            try (Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                try {
                    s.executeQuery("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 900) SELECT SUM(a.n * b.n + c.n * d.n) FROM r a, r b, r c, r d");
                    throw new AssertionError("no end");
                } catch (SQLException error) { check(error instanceof SQLTimeoutException || error.getErrorCode() == 1969 || error.getErrorCode() == 3024, error); }
            }
            check(value(c, "SELECT 1").equals("1"), "goes on");
        });
        run("a connection that is killed", () -> {
            Connection c = open();
            Connection other = open();
            execute(other, "KILL " + value(c, "SELECT CONNECTION_ID()"));
            until(() -> !c.isValid(1));
            check(value(other, "SELECT 1").equals("1"), "goes on");
        });
        run("query attributes", () -> {
            if (!isOracles || toMariadb) return;
            Connection c = open();
            for (String[] way : WAYS) {
                Connection each = open(way);
                try (PreparedStatement s = each.prepareStatement("SELECT ?")) {
                    ((com.mysql.cj.jdbc.JdbcStatement) s).setAttribute("traced", "abc");
                    s.setInt(1, 5);
                    ResultSet rows = s.executeQuery();
                    rows.next();
                    check(rows.getInt(1) == 5, "value");
                }
            }
        });
    }

    static HikariDataSource pool(int size, String... options) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url("app", options));
        config.setUsername("app");
        config.setPassword("app");
        config.setCatalog("app");
        config.setMaximumPoolSize(size);
        config.setConnectionTimeout(20_000);
        return new HikariDataSource(config);
    }

    static void pools() throws Exception {
        for (String[] way : WAYS) {
            run("pool with many threads" + (way.length == 0 ? "" : ", prepared at the server"), () -> {
                String t = table(open(), "id INT PRIMARY KEY, a INT");
                execute(open(), "INSERT INTO " + t + " VALUES (1, 0)");
                ExecutorService threads = Executors.newFixedThreadPool(20);
                try (HikariDataSource pool = pool(12, way)) {
                    List<Future<?>> all = new ArrayList<>();
                    for (int n = 0; n < 20; n++) {
                        all.add(threads.submit(() -> {
                            for (int i = 0; i < 10; i++) {
                                try (Connection c = pool.getConnection()) {
                                    c.setAutoCommit(false);
                                    c.setTransactionIsolation(i % 2 == 0 ? Connection.TRANSACTION_READ_COMMITTED : Connection.TRANSACTION_REPEATABLE_READ);
                                    try (PreparedStatement update = c.prepareStatement("UPDATE " + t + " SET a = a + ? WHERE id = ?")) {
                                        update.setInt(1, 1);
                                        update.setInt(2, 1);
                                        update.executeUpdate();
                                    }
                                    if (i % 5 == 4) c.rollback(); else c.commit();
                                }
                            }
                            return null;
                        }));
                    }
                    for (Future<?> each : all) each.get();
                } finally {
                    threads.shutdownNow();
                }
                check(value(open(), "SELECT a FROM " + t).equals("160"), "sum");
            });
        }
        run("pool gives back what was changed", () -> {
            try (HikariDataSource pool = pool(1)) {
                try (Connection c = pool.getConnection()) {
                    c.setCatalog("mysql");
                    c.setReadOnly(true);
                    c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                    c.setAutoCommit(false);
                    value(c, "SELECT 1");
                }
                try (Connection c = pool.getConnection()) {
                    check(value(c, "SELECT DATABASE()").equals("app"), "database");
                    check(c.getAutoCommit() && !c.isReadOnly() && c.getTransactionIsolation() == Connection.TRANSACTION_REPEATABLE_READ, "settings");
                }
            }
        });
        run("pool replaces a connection that was killed", () -> {
            Connection other = open();
            try (HikariDataSource pool = pool(2)) {
                try (Connection c = pool.getConnection()) { execute(other, "KILL " + value(c, "SELECT CONNECTION_ID()")); }
                until(() -> {
                    try (Connection c = pool.getConnection()) { return value(c, "SELECT 1").equals("1"); } catch (SQLException error) { return false; }
                });
            }
        });
    }

    public static void main(String[] args) throws Exception {
        isOracles = args[0].equals("mysql");
        login();
        values();
        batches();
        results();
        sessions();
        pools();
        System.exit(0);
    }
}
