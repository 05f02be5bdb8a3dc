# DBD::MariaDB and DBD::mysql, as an application uses them through DBI; INTEROP_DRIVER says which.
use strict;
use warnings;
use DBI;
use POSIX ();
use Time::HiRes qw(sleep time);

my $driver = $ENV{INTEROP_DRIVER};
my $prefix = lc $driver;
my $is_mariadb = $ENV{MYSQL_SERVER} eq 'mariadb';
my $big = join('', map { chr } 0 .. 250) x 79_682;
my $tables = 0;
my @opened;

sub same {
  my ($actual, $expected) = @_;
  $_ //= 'undef' for $actual, $expected;
  die "$actual is not $expected\n" if $actual ne $expected;
}

sub connect_to {
  my (%how) = @_;
  my $dsn = "DBI:$driver:database=" . ($how{database} // 'app') . ";host=$ENV{MYSQL_HOST};port=$ENV{MYSQL_PORT}";
  $dsn .= ";$how{dsn}" if $how{dsn};
  my $unicode = $driver eq 'mysql' ? { mysql_enable_utf8mb4 => 1 } : {};
  my $dbh = DBI->connect($dsn, $how{user} // 'app', $how{password} // 'app',
    { RaiseError => 1, PrintError => 0, AutoCommit => 1, %$unicode, %{ $how{options} // {} } });
  push @opened, $dbh;
  return $dbh;
}

sub value { my ($dbh, $sql, @values) = @_; return ($dbh->selectrow_array($sql, undef, @values))[0] }

sub table {
  my ($dbh, $columns) = @_;
  my $name = "perl${$}_" . ++$tables;
  $dbh->do("CREATE TABLE $name ($columns)");
  return $name;
}

sub refused {
  my ($number, $body) = @_;
  eval { $body->(); 1 } and die "no error $number\n";
  my $found = $DBI::err;
  die "error $found, not $number: $@" if $found != $number;
  return $@;
}

sub until_true {
  my ($condition) = @_;
  my $deadline = time + 15;
  until ($condition->()) { die "the condition never held\n" if time > $deadline; sleep 0.01 }
}

my @cases = (
  login => sub {
    my $dbh = connect_to();
    same(value($dbh, 'SELECT DATABASE()'), 'app');
    same(value($dbh, 'SELECT CONNECTION_ID()'), $dbh->{"${prefix}_thread_id"} // $dbh->{mysql_thread_id});
    die 'ping' unless $dbh->ping;
    die 'info' unless $dbh->{"${prefix}_serverinfo"} =~ /^\d+\.\d+/;
    $dbh->disconnect;
  },
  'account without a password' => sub { same(value(connect_to(user => 'empty', password => ''), 'SELECT LEFT(CURRENT_USER(), 5)'), 'empty') },
  'the other plugin' => sub {
    return unless $is_mariadb;
    same(value(connect_to(user => 'native', password => 'native-secret'), 'SELECT LEFT(CURRENT_USER(), 6)'), 'native');
  },
  'refused logins' => sub {
    die $@ unless refused(1045, sub { connect_to(password => 'wrong') }) =~ /using password: YES/;
    refused(1045, sub { connect_to(user => 'nobody') });
    refused(1049, sub { connect_to(database => 'nowhere') });
  },
  TLS => sub {
    my $ssl = "${prefix}_ssl=1;${prefix}_ssl_ca_file=$ENV{MYSQL_CA}";
    same(value(connect_to(dsn => $ssl), 'SELECT 1'), 1);
  },
  compression => sub { same(length value(connect_to(dsn => "${prefix}_compression=1"), "SELECT REPEAT('x', 3000000)"), 3_000_000) },
  'statements, emulated and prepared' => sub {
    for my $prepare (0, 1) {
      my ($dbh, $other) = (connect_to(options => { "${prefix}_server_prepare" => $prepare }), connect_to());
      my $t = table($dbh, 'id INT AUTO_INCREMENT PRIMARY KEY, d DOUBLE, s TEXT CHARACTER SET utf8mb4, n INT');
      my $insert = $dbh->prepare("INSERT INTO $t (d, s, n) VALUES (?, ?, ?)");
      for my $i (1 .. 40) {
        $insert->execute($i / 2, "\x{e4}\x{1f600}$i", undef);
        $other->do("SET \@i = $i");
        same($dbh->last_insert_id(undef, undef, undef, undef), $i) if $i % 10 == 0;
      }
      my $select = $dbh->prepare("SELECT d, s, n FROM $t WHERE id = ?");
      for my $i (7, 8) {
        $select->execute($i);
        my ($d, $s, $n) = $select->fetchrow_array;
        same($d, $i / 2);
        same($s, "\x{e4}\x{1f600}$i");
        die 'not null' if defined $n;
        $select->finish;
      }
      refused(1146, sub { $dbh->prepare('SELECT * FROM nowhere WHERE a = ?')->execute(1) });
      refused(1064, sub { $dbh->do('SELEC 1') });
    }
  },
  '20 MB' => sub {
    for my $prepare (0, 1) {
      my $dbh = connect_to(options => { "${prefix}_server_prepare" => $prepare });
      my $t = table($dbh, 'b LONGBLOB');
      my $insert = $dbh->prepare("INSERT INTO $t VALUES (?)");
      $insert->bind_param(1, $big, DBI::SQL_BLOB);
      $insert->execute;
      same(value($dbh, "SELECT LENGTH(b) FROM $t"), length $big);
      die 'other bytes' unless value($dbh, "SELECT b FROM $t") eq $big;
    }
  },
  'rows that are used as they come' => sub {
    my $dbh = connect_to();
    my $rows = $dbh->prepare('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 400) SELECT a.n FROM r a, r b LIMIT 100000',
      { $driver eq 'mysql' ? (mysql_use_result => 1) : (mariadb_use_result => 1, mariadb_server_prepare => 0) });
    $rows->execute;
    my $count = 0;
    while ($rows->fetch) { sleep 0.05 if ++$count == 50_000 }
    same($count, 100_000);
    same(value($dbh, 'SELECT 1'), 1);
  },
  transactions => sub {
    my ($dbh, $other) = (connect_to(options => { AutoCommit => 0 }), connect_to());
    my $t = table($other, 'a INT');
    $dbh->do("INSERT INTO $t VALUES (1)");
    $dbh->do('SAVEPOINT s');
    $dbh->do("INSERT INTO $t VALUES (2)");
    $dbh->do('ROLLBACK TO SAVEPOINT s');
    same(value($other, "SELECT COUNT(*) FROM $t"), 0);
    $dbh->commit;
    same(value($other, "SELECT SUM(a) FROM $t"), 1);
    $dbh->do("DELETE FROM $t");
    $dbh->rollback;
    $dbh->{AutoCommit} = 1;
    $dbh->begin_work;
    $dbh->do("DELETE FROM $t");
    $dbh->rollback;
    same(value($other, "SELECT COUNT(*) FROM $t"), 1);
  },
  'rows and warnings' => sub {
    my $dbh = connect_to();
    $dbh->do("SET sql_mode = ''");
    my $t = table($dbh, 'a TINYINT');
    my $insert = $dbh->prepare("INSERT INTO $t VALUES (1000), (2000)");
    same($insert->execute, 2);
    same($insert->{"${prefix}_warning_count"}, 2) if $driver eq 'mysql';
    same(scalar @{ $dbh->selectall_arrayref('SHOW WARNINGS') }, 2);
    same($dbh->do("UPDATE $t SET a = 5"), 2);
  },
  'several results' => sub {
    my $dbh = connect_to(dsn => "${prefix}_multi_statements=1");
    my $rows = $dbh->prepare('SELECT 1; SELECT 2');
    $rows->execute;
    same(($rows->fetchrow_array)[0], 1);
    die 'no second' unless $rows->more_results;
    same(($rows->fetchrow_array)[0], 2);
    $rows->finish;
    my $p = "perl$$";
    $dbh->do("CREATE PROCEDURE $p (a INT) BEGIN SELECT a; SELECT a + 1; END");
    $rows = $dbh->prepare("CALL $p(20)");
    $rows->execute;
    same(($rows->fetchrow_array)[0], 20);
    $rows->more_results;
    same(($rows->fetchrow_array)[0], 21);
    $rows->finish;
    undef $rows;
    same(value($dbh, 'SELECT 1'), 1);
  },
  'session state' => sub {
    my ($dbh, $other) = (connect_to(), connect_to());
    $dbh->do("SET \@x = 5, time_zone = '+03:00'");
    $dbh->do('CREATE TEMPORARY TABLE mine (a INT)');
    die 'seen' if defined value($other, 'SELECT @x');
    refused(1146, sub { $other->do('SELECT * FROM mine') });
    same(value($dbh, 'SELECT @x'), 5);
    same(value($dbh, 'SELECT @@time_zone'), '+03:00');
    $dbh->do('LOCK TABLES mysql.db READ');
    $dbh->do('UNLOCK TABLES');
    same(value($dbh, "SELECT GET_LOCK('perl', 0)"), 1);
    same(value($other, "SELECT GET_LOCK('perl', 0)"), 0);
    $dbh->disconnect;
    same(value($other, "SELECT GET_LOCK('perl', 10)"), 1);
  },
  metadata => sub {
    my $dbh = connect_to();
    my $t = table($dbh, 'id INT PRIMARY KEY, s VARCHAR(20)');
    my @columns = map { $_->{COLUMN_NAME} } @{ $dbh->column_info(undef, 'app', $t, '%')->fetchall_arrayref({}) };
    same("@columns", 'id s');
    same(join(' ', $dbh->primary_key(undef, 'app', $t)), 'id');
    die 'tables' unless grep { /$t/ } $dbh->tables(undef, 'app', $t, 'TABLE');
  },
  'LOAD DATA LOCAL' => sub {
    my $dbh = connect_to(dsn => "${prefix}_local_infile=1");
    my $t = table($dbh, 'a INT, b VARCHAR(20)');
    my $file = "/tmp/portolan-interop-perl-$$";
    open my $out, '>', $file or die;
    print $out "$_\tline $_\n" for 0 .. 19_999;
    close $out;
    same($dbh->do("LOAD DATA LOCAL INFILE '$file' INTO TABLE $t"), 20_000);
    unlink $file;
    eval { $dbh->do("LOAD DATA LOCAL INFILE '/no/such/file' INTO TABLE $t") };
    die 'no error' unless $@;
    same(value($dbh, "SELECT COUNT(*) FROM $t"), 20_000);
  },
  'kill and reconnect' => sub {
    my ($dbh, $other) = (connect_to(options => { "${prefix}_auto_reconnect" => 1 }), connect_to());
    my $id = value($dbh, 'SELECT CONNECTION_ID()');
    $other->do("KILL $id");
    until_true(sub { my $now = eval { value($dbh, 'SELECT CONNECTION_ID()') }; defined $now && $now != $id });
  },
);

$| = 1;
while (my ($name, $body) = splice @cases, 0, 2) {
  next if $ENV{INTEROP_CASE} && $ENV{INTEROP_CASE} ne $name;
  local $SIG{ALRM} = sub { die "no end within 30 s\n" };
  alarm 30;
  if (eval { $body->(); 1 }) { print "ok $name\n" }
  else { my $why = $@; $why =~ s/\n/ | /g; print "FAIL $name\t$why\n" }
  alarm 0;
  eval { $_->disconnect } for splice @opened;
}
POSIX::_exit(0);
