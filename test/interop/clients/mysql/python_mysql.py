"""PyMySQL, mysqlclient and MySQL Connector/Python, all by DB-API 2.0, as an application uses them."""
import datetime
import decimal
import importlib
import os
import sys
import tempfile
import threading
import time
import traceback

DRIVER = os.environ['INTEROP_DRIVER']
driver = importlib.import_module(DRIVER)
IS_ORACLES = DRIVER == 'mysql.connector'
IS_MYSQLCLIENT = DRIVER == 'MySQLdb'
IS_MARIADB = os.environ['MYSQL_SERVER'] == 'mariadb'
BIG = bytes((i * 7) & 255 for i in range(251)) * 79682
CASES = []
OPENED = []


def case(body):
    CASES.append(body)
    return body


def open_(autocommit=True, **options):
    settings = {
        'host': os.environ['MYSQL_HOST'],
        'port': int(os.environ['MYSQL_PORT']),
        'user': 'app',
        'password': 'app',
        'database': 'app',
        'charset': 'utf8mb4',
        **options,
    }
    settings = {key: value for key, value in settings.items() if value is not None}
    if IS_ORACLES:
        settings.setdefault('use_pure', True)
        settings.setdefault('ssl_disabled', 'ssl_ca' not in settings)
        # What the others do by default, or ask for as they are told to.
        settings.setdefault('get_warnings', False)
    connection = driver.connect(**settings)
    OPENED.append(connection)
    if autocommit is not None:
        if IS_ORACLES:
            connection.autocommit = autocommit
        else:
            connection.autocommit(autocommit)
    return connection


def tls():
    ca = os.environ['MYSQL_CA']
    return {'ssl_ca': ca} if IS_ORACLES else {'ssl': {'ca': ca}}


def rows(connection, sql, values=None, **options):
    cursor = connection.cursor(**options)
    cursor.execute(sql, values) if values is not None else cursor.execute(sql)
    result = cursor.fetchall() if cursor.description else ()
    cursor.close()
    return result


def value(connection, sql, values=None, **options):
    return rows(connection, sql, values, **options)[0][0]


def thread_id(connection):
    return connection.connection_id if IS_ORACLES else connection.thread_id()


def table(connection, columns):
    name = f'y{os.getpid()}_{len(OPENED)}'
    rows(connection, f'CREATE OR REPLACE TABLE {name} ({columns})' if IS_MARIADB else f'CREATE TABLE {name} ({columns})')
    return name


def fails(number, body):
    try:
        body()
    except driver.Error as error:
        found = error.errno if IS_ORACLES else error.args[0]
        assert found == number, (found, str(error))
        return str(error)
    raise AssertionError(f'no error {number}')


def until(condition):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, 'the condition never held'
        time.sleep(0.01)


@case
def login():
    connection = open_()
    assert value(connection, 'SELECT CURRENT_USER()').startswith('app@')
    assert value(connection, 'SELECT DATABASE()') == 'app'
    assert value(connection, 'SELECT CONNECTION_ID()') == thread_id(connection)
    connection.ping()
    connection.close()


@case
def account_without_a_password():
    assert value(open_(user='empty', password=''), 'SELECT CURRENT_USER()').startswith('empty@')


@case
def the_other_plugin():
    name, password, how = ('native', 'native-secret', {}) if IS_MARIADB else ('sha256', 'sha256-secret', tls())
    assert value(open_(user=name, password=password, **how), 'SELECT CURRENT_USER()').startswith(name)


@case
def refused_logins():
    assert 'using password: YES' in fails(1045, lambda: open_(password='wrong'))
    assert 'using password: NO' in fails(1045, lambda: open_(password=''))
    fails(1045, lambda: open_(user='nobody'))
    fails(1049, lambda: open_(database='nowhere'))


@case
def tls_login():
    assert value(open_(**tls()), 'SELECT 1') == 1


@case
def character_sets():
    for charset in ('utf8mb4', 'latin1'):
        connection = open_(charset=charset)
        assert value(connection, 'SELECT @@character_set_client') == charset
        assert value(connection, "SELECT 'ä'") == 'ä'
        assert value(connection, 'SELECT HEX(%s)', ('ä',)) == ('C3A4' if charset == 'utf8mb4' else 'E4')


@case
def types():
    connection = open_()
    t = table(connection, 'i INT, u BIGINT UNSIGNED, d DECIMAL(20,5), f DOUBLE, dt DATETIME(6), da DATE, ti TIME, '
                          's TEXT CHARACTER SET utf8mb4, b BLOB, n INT')
    given = (-1, 2 ** 64 - 1, decimal.Decimal('123.45600'), 1.5, datetime.datetime(2020, 2, 29, 12, 34, 56, 789012),
             datetime.date(2020, 2, 29), datetime.timedelta(hours=100, seconds=1), 'ä😀\'"\\%', b'\x00\xff\'', None)
    rows(connection, f'INSERT INTO {t} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, _binary %s, %s)', given)
    assert rows(connection, f'SELECT * FROM {t}')[0] == given


@case
def many_parameters():
    connection = open_()
    t = table(connection, 'id INT AUTO_INCREMENT PRIMARY KEY, a INT')
    cursor = connection.cursor()
    cursor.executemany(f'INSERT INTO {t} (a) VALUES (%s)', [(i,) for i in range(5000)])
    assert cursor.rowcount == 5000
    assert value(connection, f'SELECT SUM(a) FROM {t}') == 12497500


@case
def errors():
    connection = open_()
    fails(1064, lambda: rows(connection, 'SELEC 1'))
    assert "Table 'app.nowhere' doesn't exist" in fails(1146, lambda: rows(connection, 'SELECT * FROM nowhere'))
    t = table(connection, 'id INT PRIMARY KEY')
    rows(connection, f'INSERT INTO {t} VALUES (1)')
    try:
        rows(connection, f'INSERT INTO {t} VALUES (1)')
        raise AssertionError('no error')
    except driver.IntegrityError:
        pass
    assert value(connection, 'SELECT 1') == 1


@case
def warnings():
    connection = open_()
    rows(connection, "SET sql_mode = ''")
    t = table(connection, 'a TINYINT')
    rows(connection, f'INSERT INTO {t} VALUES (1000), (2000)')
    assert [one[1] for one in rows(connection, 'SHOW WARNINGS')] == [1264, 1264]


@case
def last_insert_id():
    connection, other = open_(), open_()
    t = table(connection, 'id INT AUTO_INCREMENT PRIMARY KEY, a INT')
    cursor = connection.cursor()
    cursor.execute(f'INSERT INTO {t} (a) VALUES (1), (2)')
    assert cursor.lastrowid == 1
    rows(other, f'INSERT INTO {t} (a) VALUES (1)')
    assert value(connection, 'SELECT LAST_INSERT_ID()') == 1
    assert value(other, 'SELECT LAST_INSERT_ID()') == 3


@case
def affected_rows():
    connection = open_()
    t = table(connection, 'id INT PRIMARY KEY, a INT')
    cursor = connection.cursor()
    assert cursor.execute(f'INSERT INTO {t} VALUES (1, 1), (2, 2)') in (2, None)
    cursor.execute(f'UPDATE {t} SET a = 2')
    assert cursor.rowcount in (1, 2)
    cursor.execute(f'DELETE FROM {t}')
    assert cursor.rowcount == 2


@case
def transactions():
    connection, other = open_(autocommit=None), open_()
    t = table(other, 'a INT')
    rows(connection, f'INSERT INTO {t} VALUES (1)')
    rows(connection, 'SAVEPOINT s')
    rows(connection, f'INSERT INTO {t} VALUES (2)')
    rows(connection, 'ROLLBACK TO s')
    assert value(other, f'SELECT COUNT(*) FROM {t}') == 0
    connection.commit()
    assert value(other, f'SELECT SUM(a) FROM {t}') == 1
    rows(connection, f'DELETE FROM {t}')
    connection.rollback()
    assert value(connection, f'SELECT COUNT(*) FROM {t}') == 1
    connection.rollback()


@case
def isolation():
    connection = open_(autocommit=None)
    t = table(open_(), 'a INT')
    rows(connection, 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
    name = '@@tx_isolation' if IS_MARIADB else '@@transaction_isolation'
    assert value(connection, f'SELECT {name}') == 'READ-COMMITTED'
    connection.commit()
    rows(connection, 'SET TRANSACTION READ ONLY')
    rows(connection, 'START TRANSACTION')
    fails(1792, lambda: rows(connection, f'INSERT INTO {t} VALUES (1)'))
    connection.rollback()


@case
def session_state():
    connection, other = open_(), open_()
    rows(connection, 'CREATE TEMPORARY TABLE only_mine (a INT)')
    rows(connection, "SET @x = 'ä', time_zone = '+03:00', sql_mode = 'ANSI_QUOTES'")
    fails(1146, lambda: rows(other, 'SELECT * FROM only_mine'))
    assert value(other, 'SELECT @x') is None
    assert rows(connection, 'SELECT @x, @@time_zone, @@sql_mode')[0] == ('ä', '+03:00', 'ANSI_QUOTES')
    rows(connection, 'SELECT * FROM only_mine')


@case
def named_locks():
    connection, other = open_(), open_()
    assert value(connection, "SELECT GET_LOCK('py', 0)") == 1
    assert value(other, "SELECT GET_LOCK('py', 0)") == 0
    connection.close()
    until(lambda: value(other, "SELECT GET_LOCK('py', 1)") == 1)


@case
def several_results():
    connection = open_(**({} if IS_ORACLES else {'client_flag': 1 << 16}))
    cursor = connection.cursor()
    p = f'py{os.getpid()}'
    rows(connection, f'CREATE PROCEDURE {p} (IN a INT, OUT b INT) BEGIN SELECT a; SELECT a + 1; SET b = a * 2; END')
    if IS_ORACLES:
        assert cursor.callproc(p, (20, 0))[1] == 40
        assert [one.fetchall() for one in cursor.stored_results()] == [[(20,)], [(21,)]]
        cursor.close()
    else:
        cursor.callproc(p, (20, 0))
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        assert found[:2] == [((20,),), ((21,),)], found
        cursor.close()
        assert value(connection, f'SELECT @_{p}_1') == 40
        cursor = connection.cursor()
        cursor.execute('SELECT 1; SET @m = 2; SELECT @m')
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        assert found[0] == ((1,),) and found[-1] == ((2,),), found


@case
def big_value():
    connection = open_()
    t = table(connection, 'b LONGBLOB')
    rows(connection, f'INSERT INTO {t} VALUES (_binary %s)', (BIG,))
    assert bytes(value(connection, f'SELECT b FROM {t}')) == BIG


@case
def many_rows():
    connection = open_()
    sql = ('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 400) '
           'SELECT a.n, b.n FROM r a, r b LIMIT 100000')
    if IS_ORACLES:
        cursor = connection.cursor()
    elif DRIVER == 'pymysql':
        cursor = connection.cursor(importlib.import_module('pymysql.cursors').SSCursor)
    else:
        cursor = connection.cursor(importlib.import_module('MySQLdb.cursors').SSCursor)
    cursor.execute(sql)
    count = 0
    for _ in cursor:
        count += 1
        if count == 50_000:
            time.sleep(0.05)
    assert count == 100_000
    cursor.close()
    assert value(connection, 'SELECT 1') == 1


@case
def load_data_local():
    options = {'allow_local_infile': True} if IS_ORACLES else {'local_infile': True}
    connection = open_(**options)
    t = table(connection, 'a INT, b VARCHAR(20)')
    with tempfile.NamedTemporaryFile('w', suffix='.tsv') as file:
        file.writelines(f'{i}\tline {i}\n' for i in range(20000))
        file.flush()
        rows(connection, f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {t}")
    assert value(connection, f'SELECT COUNT(*) FROM {t}') == 20000
    assert value(connection, f'SELECT b FROM {t} WHERE a = 19999') == 'line 19999'


@case
def kill():
    connection, other = open_(), open_()
    outcome = []

    def sleep():
        try:
            outcome.append(value(connection, 'SELECT SLEEP(15), 3'))
        except driver.Error as error:
            outcome.append(error.errno if IS_ORACLES else error.args[0])

    thread = threading.Thread(target=sleep)
    thread.start()
    running = "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE 'SELECT SLEEP(15), 3%'"
    until(lambda: value(other, running) == 1)
    rows(other, f'KILL QUERY {thread_id(connection)}')
    thread.join()
    assert outcome[0] in (1, 1317), outcome
    assert value(connection, 'SELECT 1') == 1
    rows(other, f'KILL {thread_id(connection)}')
    try:
        until(lambda: value(connection, 'SELECT 1') != 1)
        raise AssertionError('it lives')
    except driver.Error:
        pass


@case
def change_of_the_user():
    connection = open_()
    rows(connection, "SET @x = 1, time_zone = '+03:00'")
    if IS_ORACLES:
        connection.cmd_change_user('empty', '', 'mysql')
        expected = 'empty@'
    elif IS_MYSQLCLIENT:
        connection.change_user('empty', '', 'mysql')
        expected = 'empty@'
    else:
        return  # PyMySQL has none
    assert value(connection, 'SELECT CURRENT_USER()').startswith(expected)
    assert rows(connection, 'SELECT DATABASE(), @x')[0] == ('mysql', None)
    if IS_ORACLES:
        rows(connection, 'SET @x = 1')
        connection.cmd_reset_connection()
        assert value(connection, 'SELECT @x') is None


@case
def prepared_statements():
    if not IS_ORACLES:
        return  # the others have none
    connection, other = open_(), open_()
    t = table(connection, 'a INT, s TEXT, b LONGBLOB')
    cursor = connection.cursor(prepared=True)
    for i in range(50):
        cursor.execute(f'INSERT INTO {t} VALUES (%s, %s, %s)', (i, f'ä{i}', bytes([i]) * 10))
        rows(other, f'SET @i = {i}')
    cursor.execute(f'SELECT a, s FROM {t} WHERE a > %s ORDER BY a', (47,))
    assert cursor.fetchall() == [(48, 'ä48'), (49, 'ä49')]
    # A long value goes in pieces.
    cursor.execute(f'INSERT INTO {t} VALUES (%s, %s, %s)', (100, 'long', BIG))
    assert value(connection, f'SELECT LENGTH(b) FROM {t} WHERE a = 100') == len(BIG)
    fails(1054, lambda: connection.cursor(prepared=True).execute('SELECT nothing WHERE 1 = %s', (1,)))
    cursor.execute('SELECT %s + 1', (41,))
    assert cursor.fetchall()[0][0] == 42


@case
def threads():
    failures = []

    def work(n):
        try:
            connection = open_(autocommit=None)
            t = f'threads{os.getpid()}'
            for i in range(20):
                rows(connection, f'INSERT INTO {t} VALUES ({n})')
                connection.commit() if i % 2 else connection.rollback()
            connection.close()
        except Exception as error:
            failures.append(error)

    rows(open_(), f'CREATE TABLE threads{os.getpid()} (a INT)')
    all_ = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for thread in all_:
        thread.start()
    for thread in all_:
        thread.join()
    assert not failures, failures
    assert value(open_(), f'SELECT COUNT(*) FROM threads{os.getpid()}') == 100


for body in CASES:
    wanted = os.environ.get('INTEROP_CASE')
    if wanted and wanted != body.__name__:
        continue
    try:
        body()
        print(f'ok {body.__name__}')
    except BaseException as error:
        where = traceback.format_exc(limit=-3).strip().replace('\n', ' | ')
        print(f'FAIL {body.__name__}\t{where}')
    for connection in OPENED:
        try:
            connection.close()
        except Exception:
            pass
    sys.stdout.flush()
os._exit(0)
