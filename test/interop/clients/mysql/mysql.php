<?php
// mysqli and PDO on mysqlnd, as an application uses them; INTEROP_API says which.
error_reporting(E_ALL & ~E_WARNING);
ini_set('memory_limit', '512M');
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
$host = getenv('MYSQL_HOST');
$port = (int) getenv('MYSQL_PORT');
$ca = getenv('MYSQL_CA');
$isMariadb = str_starts_with(getenv('MYSQL_SERVER'), 'mariadb');
$big = str_repeat(implode('', array_map('chr', range(0, 250))), 79682);
$opened = [];
$tables = 0;

function same($actual, $expected, $what = '') {
  if ($actual !== $expected) throw new Exception("$what: " . json_encode($actual) . ' is not ' . json_encode($expected));
}

function refused($code, $body) {
  try {
    $body();
  } catch (mysqli_sql_exception $error) {
    same($error->getCode(), $code, $error->getMessage());
    return $error->getMessage();
  } catch (PDOException $error) {
    same((int) ($error->errorInfo[1] ?? $error->getCode()), $code, $error->getMessage());
    return $error->getMessage();
  }
  throw new Exception("no error $code");
}

function until($condition) {
  $deadline = microtime(true) + 15;
  while (!$condition()) {
    if (microtime(true) > $deadline) throw new Exception('the condition never held');
    usleep(10_000);
  }
}

// --- mysqli ---

function open(array $how = []) {
  global $host, $port, $ca, $opened;
  $how += ['user' => 'app', 'password' => 'app', 'database' => 'app', 'flags' => 0, 'options' => [], 'tls' => false];
  $db = mysqli_init();
  // Rather a case that fails than one that hangs.
  $db->options(MYSQLI_OPT_READ_TIMEOUT, 20);
  foreach ($how['options'] as $option => $value) $db->options($option, $value);
  if ($how['tls']) $db->ssl_set(null, null, $ca, null, null);
  $db->real_connect($host, $how['user'], $how['password'], $how['database'], $port, null, $how['flags'] | ($how['tls'] ? MYSQLI_CLIENT_SSL : 0));
  $db->set_charset($how['charset'] ?? 'utf8mb4');
  return $opened[] = $db;
}

function value($db, $sql) {
  $result = $db->query($sql);
  return $db instanceof PDO ? $result->fetchColumn() : $result->fetch_row()[0];
}

function table($db, $columns) {
  global $tables;
  $name = 'h' . getmypid() . '_' . ++$tables;
  $db instanceof PDO ? $db->exec("CREATE TABLE $name ($columns)") : $db->query("CREATE TABLE $name ($columns)");
  return $name;
}

$mysqli = [
  'login' => function () {
    $db = open();
    same(explode('@', value($db, 'SELECT CURRENT_USER()'))[0], 'app');
    same((int) value($db, 'SELECT CONNECTION_ID()'), $db->thread_id);
    same($db->character_set_name(), 'utf8mb4');
    if (!preg_match('/^\d+\.\d+/', $db->server_info)) throw new Exception($db->server_info);
    if (!str_contains($db->stat(), 'Uptime')) throw new Exception($db->stat());
    $db->close();
  },
  'accounts' => function () use ($isMariadb) {
    same(explode('@', value(open(['user' => 'empty', 'password' => '']), 'SELECT CURRENT_USER()'))[0], 'empty');
    $user = $isMariadb ? 'native' : 'sha256';
    if ($isMariadb) same(explode('@', value(open(['user' => $user, 'password' => "$user-secret"]), 'SELECT CURRENT_USER()'))[0], $user);
  },
  'refused logins' => function () {
    if (!str_contains(refused(1045, fn() => open(['password' => 'wrong'])), 'using password: YES')) throw new Exception('words');
    refused(1045, fn() => open(['user' => 'nobody']));
    refused(1049, fn() => open(['database' => 'nowhere']));
  },
  'TLS' => fn() => same(value(open(['tls' => true]), 'SELECT 1'), '1'),
  'compression' => function () {
    global $big;
    $db = open(['flags' => MYSQLI_CLIENT_COMPRESS]);
    same(md5(value($db, "SELECT '" . $db->real_escape_string($big) . "'")), md5($big));
  },
  'prepared statements' => function () {
    global $big;
    [$db, $other] = [open(), open()];
    $t = table($db, 'i INT, d DOUBLE, s TEXT CHARACTER SET utf8mb4, b LONGBLOB, n INT');
    $statement = $db->prepare("INSERT INTO $t VALUES (?, ?, ?, ?, ?)");
    [$i, $d, $s, $b, $n] = [-1, 1.5, 'ä😀', "\0\xff'", null];
    $statement->bind_param('idssi', $i, $d, $s, $b, $n);
    for ($i = 0; $i < 50; $i++) {
      $statement->execute();
      $other->query("SET @i = $i");
    }
    $statement = $db->prepare("SELECT * FROM $t WHERE i = ?");
    $statement->bind_param('i', $i);
    $i = 7;
    $statement->execute();
    same($statement->get_result()->fetch_row(), [7, 1.5, 'ä😀', "\0\xff'", null]);
    // A long value goes in pieces.
    $statement = $db->prepare("INSERT INTO $t (i, b) VALUES (1000, ?)");
    $null = null;
    $statement->bind_param('b', $null);
    foreach (str_split($big, 1_000_000) as $piece) $statement->send_long_data(0, $piece);
    $statement->execute();
    same(md5(value($db, "SELECT b FROM $t WHERE i = 1000")), md5($big));
    refused(1054, fn() => $db->prepare('SELECT nothing'));
    $statement->reset();
    $statement->close();
    same(value($db, 'SELECT 1'), '1');
  },
  'a cursor' => function () {
    $db = open();
    $statement = $db->prepare('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 500) SELECT n FROM r');
    $statement->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
    $statement->execute();
    $statement->bind_result($n);
    $sum = 0;
    while ($statement->fetch()) $sum += $n;
    same($sum, 125250);
    $statement->close();
  },
  'unbuffered rows' => function () {
    $db = open();
    $db->real_query('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 400) SELECT a.n FROM r a, r b LIMIT 100000');
    $result = $db->use_result();
    for ($count = 0; $result->fetch_row(); $count++) if ($count === 50_000) usleep(50_000);
    same($count, 100_000);
    $result->free();
    same(value($db, 'SELECT 1'), '1');
  },
  'several statements' => function () {
    $db = open();
    $db->multi_query("SELECT 1; SET @m = 2; SELECT @m");
    $found = [];
    do if ($result = $db->store_result()) $found[] = $result->fetch_row()[0]; while ($db->more_results() && $db->next_result());
    same($found, ['1', '2']);
    refused(1064, fn() => $db->query('SELECT 1; SELECT 2'));
    same(value($db, 'SELECT 1'), '1');
  },
  'procedures' => function () {
    $db = open();
    $p = 'php' . getmypid();
    $db->query("CREATE PROCEDURE $p (IN a INT, OUT b INT) BEGIN SELECT a; SELECT a + 1; SET b = a * 2; END");
    $db->multi_query("CALL $p(20, @b)");
    $found = [];
    do if ($result = $db->store_result()) $found[] = $result->fetch_row()[0]; while ($db->more_results() && $db->next_result());
    same($found, ['20', '21']);
    same(value($db, 'SELECT @b'), '40');
  },
  'transactions' => function () {
    [$db, $other] = [open(), open()];
    $t = table($db, 'a INT');
    $db->begin_transaction();
    $db->query("INSERT INTO $t VALUES (1)");
    $db->savepoint('s');
    $db->query("INSERT INTO $t VALUES (2)");
    $db->query('ROLLBACK TO SAVEPOINT s');
    same(value($other, "SELECT COUNT(*) FROM $t"), '0');
    $db->commit();
    $db->autocommit(false);
    $db->query("DELETE FROM $t");
    $db->rollback();
    $db->autocommit(true);
    same(value($other, "SELECT SUM(a) FROM $t"), '1');
    $db->begin_transaction(MYSQLI_TRANS_START_READ_ONLY);
    refused(1792, fn() => $db->query("INSERT INTO $t VALUES (3)"));
    $db->rollback();
  },
  'ids, rows, warnings' => function () {
    $db = open();
    $db->query("SET sql_mode = ''");
    $t = table($db, 'id INT AUTO_INCREMENT PRIMARY KEY, a TINYINT');
    $db->query("INSERT INTO $t (a) VALUES (1), (1000)");
    same([$db->insert_id, $db->affected_rows, $db->warning_count], [1, 2, 1]);
    same($db->get_warnings()->errno, 1264);
    same(value($db, 'SELECT LAST_INSERT_ID()'), '1');
    $db->query("UPDATE $t SET a = 5 WHERE id = 1");
    same($db->info, 'Rows matched: 1  Changed: 1  Warnings: 0');
  },
  'session state' => function () {
    [$db, $other] = [open(), open()];
    $db->query("SET @x = 'ä', time_zone = '+03:00'");
    $db->query('CREATE TEMPORARY TABLE mine (a INT)');
    same(value($other, 'SELECT @x'), null);
    refused(1146, fn() => $other->query('SELECT * FROM mine'));
    same(value($db, 'SELECT @x'), 'ä');
    $db->change_user('app', 'app', 'mysql');
    same(value($db, 'SELECT DATABASE()'), 'mysql');
    refused(1146, fn() => $db->query('SELECT * FROM app.mine'));
    $db->select_db('app');
    same(value($db, 'SELECT DATABASE()'), 'app');
    $db->set_charset('latin1');
    same(value($db, "SELECT HEX('\xe4')"), 'E4');
  },
  'LOAD DATA LOCAL' => function () {
    $db = open(['options' => [MYSQLI_OPT_LOCAL_INFILE => true]]);
    $t = table($db, 'a INT, b VARCHAR(20)');
    $file = tempnam('/tmp', 'portolan-interop-');
    file_put_contents($file, implode('', array_map(fn($i) => "$i\tline $i\n", range(0, 19999))));
    $db->query("LOAD DATA LOCAL INFILE '$file' INTO TABLE $t");
    unlink($file);
    same($db->affected_rows, 20000);
    try {
      $db->query("LOAD DATA LOCAL INFILE '/no/such/file' INTO TABLE $t");
    } catch (mysqli_sql_exception) {
      // whatever the server makes of it
    }
    same(value($db, "SELECT COUNT(*) FROM $t"), '20000');
  },
  'asynchronous queries' => function () {
    $all = [open(), open(), open()];
    foreach ($all as $i => $db) $db->query("SELECT SLEEP(0.05), $i", MYSQLI_ASYNC);
    foreach ($all as $i => $db) same($db->reap_async_query()->fetch_row()[1], (string) $i);
  },
  'kill' => function () {
    [$db, $other] = [open(), open()];
    $db->query('SELECT SLEEP(15), 4', MYSQLI_ASYNC);
    until(fn() => value($other, "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE 'SELECT SLEEP(15), 4%'") === '1');
    $other->query('KILL QUERY ' . $db->thread_id);
    try {
      same($db->reap_async_query()->fetch_row()[0], '1');
    } catch (mysqli_sql_exception $error) {
      same($error->getCode(), 1317);
    }
    same(value($db, 'SELECT 1'), '1');
    $other->kill($db->thread_id);
    until(function () use ($db) {
      try {
        return !$db->query('SELECT 1');
      } catch (mysqli_sql_exception) {
        return true;
      }
    });
  },
  'persistent connections' => function () {
    global $host, $port;
    $db = new mysqli("p:$host", 'app', 'app', 'app', $port);
    $db->query('SET @x = 1');
    $db->close();
    $db = new mysqli("p:$host", 'app', 'app', 'app', $port);
    same(value($db, 'SELECT @x'), null);
  },
];

// --- PDO ---

function pdo(array $options = [], $user = 'app', $password = 'app', $database = 'app') {
  global $host, $port;
  return new PDO("mysql:host=$host;port=$port;dbname=$database;charset=utf8mb4", $user, $password, $options);
}

$pdo = [
  'login' => fn() => same(value(pdo(), 'SELECT DATABASE()'), 'app'),
  'refused logins' => function () {
    refused(1045, fn() => pdo([], 'app', 'wrong'));
    refused(1049, fn() => pdo([], 'app', 'app', 'nowhere'));
  },
  'TLS' => fn() => same(value(pdo([PDO::MYSQL_ATTR_SSL_CA => getenv('MYSQL_CA')]), 'SELECT 1'), 1),
  'initial command' => fn() => same(value(pdo([PDO::MYSQL_ATTR_INIT_COMMAND => "SET time_zone = '+04:00'"]), 'SELECT @@time_zone'), '+04:00'),
  'statements, emulated and prepared' => function () {
    global $big;
    foreach ([true, false] as $emulated) {
      $db = pdo([PDO::ATTR_EMULATE_PREPARES => $emulated]);
      $t = table($db, 'id INT AUTO_INCREMENT PRIMARY KEY, s TEXT CHARACTER SET utf8mb4, b LONGBLOB');
      $insert = $db->prepare("INSERT INTO $t (s, b) VALUES (:s, :b)");
      for ($i = 1; $i <= 30; $i++) {
        $insert->execute(['s' => "ä😀$i", 'b' => "\0\xff'"]);
        same($db->lastInsertId(), (string) $i);
      }
      $select = $db->prepare("SELECT s, b FROM $t WHERE id = ?");
      $select->execute([7]);
      same($select->fetch(PDO::FETCH_NUM), ['ä😀7', "\0\xff'"]);
      $insert->bindValue('s', 'big');
      $insert->bindValue('b', $big, PDO::PARAM_LOB);
      $insert->execute();
      same(md5(value($db, "SELECT b FROM $t WHERE s = 'big'")), md5($big));
      refused(1146, fn() => $db->prepare('SELECT * FROM nowhere WHERE a = ?')->execute([1]));
      same((int) value($db, 'SELECT 1'), 1);
    }
  },
  'transactions' => function () {
    [$db, $other] = [pdo(), pdo()];
    $t = table($db, 'a INT');
    $db->beginTransaction();
    $db->exec("INSERT INTO $t VALUES (1)");
    same($db->inTransaction(), true);
    same(value($other, "SELECT COUNT(*) FROM $t"), 0);
    $db->commit();
    $db->beginTransaction();
    same($db->exec("DELETE FROM $t"), 1);
    $db->rollBack();
    same(value($other, "SELECT COUNT(*) FROM $t"), 1);
  },
  'unbuffered rows' => function () {
    $db = pdo([PDO::MYSQL_ATTR_USE_BUFFERED_QUERY => false]);
    $rows = $db->query('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 400) SELECT a.n FROM r a, r b LIMIT 100000');
    for ($count = 0; $rows->fetch(); $count++);
    same($count, 100_000);
    $rows->closeCursor();
    same(value($db, 'SELECT 1'), 1);
  },
  'several results' => function () {
    $db = pdo();
    $rows = $db->query('SELECT 1; SELECT 2');
    same($rows->fetchColumn(), 1);
    same($rows->nextRowset(), true);
    same($rows->fetchColumn(), 2);
    $rows->closeCursor();
    $p = 'pdo' . getmypid();
    $db->exec("CREATE PROCEDURE $p (a INT) BEGIN SELECT a; SELECT a + 1; END");
    $rows = $db->query("CALL $p(20)");
    same($rows->fetchColumn(), 20);
    $rows->nextRowset();
    same($rows->fetchColumn(), 21);
    $rows->closeCursor();
  },
  'found rows' => function () {
    $db = pdo([PDO::MYSQL_ATTR_FOUND_ROWS => true]);
    $t = table($db, 'a INT');
    $db->exec("INSERT INTO $t VALUES (1), (2)");
    same($db->exec("UPDATE $t SET a = 2"), 2);
    same(pdo()->exec("UPDATE $t SET a = 2"), 0);
  },
  'LOAD DATA LOCAL' => function () {
    $db = pdo([PDO::MYSQL_ATTR_LOCAL_INFILE => true]);
    $t = table($db, 'a INT');
    $file = tempnam('/tmp', 'portolan-interop-');
    file_put_contents($file, implode("\n", range(1, 20000)));
    same($db->exec("LOAD DATA LOCAL INFILE '$file' INTO TABLE $t"), 20000);
    unlink($file);
  },
  'persistent connections' => function () {
    for ($i = 0; $i < 3; $i++) same(value(pdo([PDO::ATTR_PERSISTENT => true]), 'SELECT 1'), 1);
  },
];

foreach (getenv('INTEROP_API') === 'pdo' ? $pdo : $mysqli as $name => $body) {
  if (getenv('INTEROP_CASE') && getenv('INTEROP_CASE') !== $name) continue;
  try {
    $body();
    echo "ok $name\n";
  } catch (Throwable $error) {
    echo "FAIL $name\t" . str_replace("\n", ' | ', $error->getMessage()) . ' at line ' . $error->getLine() . "\n";
  }
  foreach ($opened as $db) {
    try {
      $db->close();
    } catch (Throwable) {
      // it was closed by its case
    }
  }
  $opened = [];
}
