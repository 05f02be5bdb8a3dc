# Speaks RESP3 on every connection that the suite opens. Appended to the suite's own client (tests/support/redis.tcl):
# its force_resp3 only tells servers that it starts itself, and reshapes replies as if every server had been told.
set ::force_resp3 1

proc ::redis::skip_reply {fd} {
    set line [gets $fd]
    set n [string trim [string range $line 1 end]]
    switch -- [string index $line 0] {
        % { for {set i 0} {$i < 2 * $n} {incr i} { skip_reply $fd } }
        * - ~ - > { for {set i 0} {$i < $n} {incr i} { skip_reply $fd } }
        $ { read $fd [expr {$n + 2}] }
    }
}

proc ::redis::say_hello_3 {fd} {
    puts -nonewline $fd "HELLO 3\r\n"
    flush $fd
    skip_reply $fd
}
