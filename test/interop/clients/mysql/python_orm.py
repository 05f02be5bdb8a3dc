"""SQLAlchemy with Alembic, and Django, with their migrations, transactions and pools; asyncmy and aiomysql below SQLAlchemy's asyncio."""
import asyncio
import concurrent.futures
import datetime
import decimal
import os
import sys
import tempfile
import textwrap
import traceback

import pymysql

HOST, PORT = os.environ['MYSQL_HOST'], int(os.environ['MYSQL_PORT'])
DRIVERS = ('pymysql', 'mysqldb')
ASYNC_DRIVERS = ('asyncmy', 'aiomysql')
UTF8 = {'mysql_charset': 'utf8mb4'}
CASES = []


def case(body):
    CASES.append((body.__name__, body))
    return body


def case_of_each(drivers):
    def add(body):
        for driver in drivers:
            CASES.append((f'{body.__name__}: {driver}', lambda driver=driver: body(driver)))
        return body
    return add


def url(driver, database='app'):
    return f'mysql+{driver}://app:app@{HOST}:{PORT}/{database}?charset=utf8mb4'


def models(prefix):
    from sqlalchemy import JSON, ForeignKey, LargeBinary, Numeric, String
    from sqlalchemy.dialects.mysql import DATETIME
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

    class Base(DeclarativeBase):
        pass

    class Person(Base):
        __tablename__ = f'{prefix}_people'
        __table_args__ = UTF8
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(50), unique=True)
        born: Mapped[datetime.datetime | None] = mapped_column(DATETIME(fsp=6))
        photo: Mapped[bytes | None] = mapped_column(LargeBinary)
        settings: Mapped[dict | None] = mapped_column(JSON)
        orders: Mapped[list['Order']] = relationship(back_populates='person', cascade='all, delete-orphan')

    class Order(Base):
        __tablename__ = f'{prefix}_orders'
        __table_args__ = UTF8
        id: Mapped[int] = mapped_column(primary_key=True)
        total: Mapped[decimal.Decimal] = mapped_column(Numeric(10, 2))
        person_id: Mapped[int] = mapped_column(ForeignKey(f'{prefix}_people.id'))
        person: Mapped[Person] = relationship(back_populates='orders')

    return Base, Person, Order


@case_of_each(DRIVERS)
def sqlalchemy_rows_and_transactions(driver):
    import sqlalchemy as sa
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.orm import Session, selectinload
    engine = sa.create_engine(url(driver), pool_size=8, pool_pre_ping=True)
    Base, Person, Order = models(f'sa_{driver}')
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    born = datetime.datetime(2020, 2, 29, 12, 34, 56, 789012)
    with Session(engine) as session:
        ada = Person(name='Ada ä😀%', born=born, photo=b'\x00\xff\'"', settings={'a': [1, None]})
        ada.orders = [Order(total=decimal.Decimal(i) / 4) for i in range(1000)]
        session.add(ada)
        session.commit()
        found = session.scalars(sa.select(Person).options(selectinload(Person.orders))).one()
        assert (found.born, found.photo, found.settings) == (born, b'\x00\xff\'"', {'a': [1, None]})
        assert sum(order.total for order in found.orders) == decimal.Decimal('124875')
    with Session(engine) as session:
        session.add(Person(name='Bob'))
        session.flush()
        try:
            with session.begin_nested():
                session.add(Person(name='Ada ä😀%'))
                session.flush()
            raise AssertionError('no error')
        except IntegrityError as error:
            assert error.orig.args[0] == 1062
        session.commit()
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 2
        session.execute(sa.delete(Order))
        session.rollback()
        assert session.scalar(sa.select(sa.func.count()).select_from(Order)) == 1000
    # Rows as they come, and another isolation level that the pool takes back.
    with engine.connect().execution_options(stream_results=True, isolation_level='SERIALIZABLE') as connection:
        assert sum(1 for _ in connection.execute(sa.select(Order.id)).yield_per(100)) == 1000
        assert connection.get_isolation_level() == 'SERIALIZABLE'
    with engine.connect() as connection:
        assert connection.get_isolation_level() == 'REPEATABLE READ'
    assert {column['name'] for column in sa.inspect(engine).get_columns(f'sa_{driver}_people')} >= {'born', 'photo'}
    engine.dispose()


@case_of_each(DRIVERS)
def sqlalchemy_many_threads(driver):
    import sqlalchemy as sa
    engine = sa.create_engine(url(driver), pool_size=8, max_overflow=4)
    table = sa.Table(f'sa_threads_{driver}', sa.MetaData(), sa.Column('id', sa.Integer, primary_key=True), sa.Column('a', sa.Integer))
    table.create(engine, checkfirst=True)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{'id': i, 'a': 0} for i in range(1, 11)])

    def work(n):
        for i in range(20):
            with engine.connect() as connection:
                with connection.begin() as transaction:
                    connection.execute(table.update().where(table.c.id == n % 10 + 1).values(a=table.c.a + 1))
                    if i % 4 == 3:
                        transaction.rollback()
                connection.execute(sa.text('SELECT 1')).one()

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.sum(table.c.a))) == 16 * 15
    engine.dispose()


@case
def alembic_up_down_and_up_again():
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config
    folder = tempfile.mkdtemp(prefix='portolan-interop-alembic-')
    config = Config()
    config.set_main_option('script_location', folder)
    config.set_main_option('sqlalchemy.url', url('pymysql').replace('%', '%%'))
    os.mkdir(f'{folder}/versions')
    with open(f'{folder}/env.py', 'w') as file:
        file.write(textwrap.dedent('''
            from alembic import context
            from sqlalchemy import create_engine
            with create_engine(context.config.get_main_option('sqlalchemy.url')).connect() as connection:
                context.configure(connection=connection)
                with context.begin_transaction():
                    context.run_migrations()
        '''))
    steps = [
        ("op.create_table('alembic_people', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(50)))",
         "op.drop_table('alembic_people')"),
        ("op.add_column('alembic_people', sa.Column('age', sa.Integer)); op.create_index('alembic_age', 'alembic_people', ['age'])",
         "op.drop_index('alembic_age', 'alembic_people'); op.drop_column('alembic_people', 'age')"),
        ("op.alter_column('alembic_people', 'name', new_column_name='full_name', existing_type=sa.String(50))",
         "op.alter_column('alembic_people', 'full_name', new_column_name='name', existing_type=sa.String(50))"),
    ]
    for i, (up, down) in enumerate(steps):
        with open(f'{folder}/versions/{i}.py', 'w') as file:
            file.write(f'import sqlalchemy as sa\nfrom alembic import op\nrevision = "r{i}"\ndown_revision = {f"r{i - 1}" if i else None!r}\n'
                       f'def upgrade():\n    {up}\ndef downgrade():\n    {down}\n')
    engine = sa.create_engine(url('pymysql'))
    command.upgrade(config, 'head')
    assert 'full_name' in {column['name'] for column in sa.inspect(engine).get_columns('alembic_people')}
    command.downgrade(config, 'base')
    assert not sa.inspect(engine).has_table('alembic_people')
    command.upgrade(config, 'head')
    assert sa.inspect(engine).get_indexes('alembic_people')[0]['name'] == 'alembic_age'
    engine.dispose()


@case_of_each(ASYNC_DRIVERS)
def sqlalchemy_asyncio(driver):
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    async def main():
        engine = create_async_engine(url(driver), pool_size=10)
        Base, Person, Order = models(f'sa_{driver}')
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
        make = async_sessionmaker(engine)

        async def work(n):
            async with make() as session:
                session.add(Person(name=f'ä{n}', orders=[Order(total=1), Order(total=n)]))
                await session.commit()
            async with make() as session:
                session.add(Person(name=f'never{n}'))
                await session.flush()
                await session.rollback()
                found = sa.select(sa.func.sum(Order.total)).join(Person).where(Person.name == f'ä{n}')
                assert await session.scalar(found) == n + 1

        await asyncio.gather(*(work(n) for n in range(60)))
        async with engine.connect() as connection:
            assert await connection.scalar(sa.select(sa.func.count()).select_from(Person)) == 60
            assert await connection.scalar(sa.select(sa.func.sum(Order.total))) == 60 + 59 * 30
            rows = 0
            async for _ in await connection.stream(sa.select(Order.id)):
                rows += 1
            assert rows == 120
        await engine.dispose()

    asyncio.run(main())


@case_of_each(ASYNC_DRIVERS)
def cursors_of_asyncio(driver):
    async def main():
        library = __import__(driver)
        cursors = __import__(f'{driver}.cursors', fromlist=['cursors'])
        options = {'host': HOST, 'port': PORT, 'user': 'app', 'password': 'app', 'db': 'app', 'autocommit': True}
        pool = await library.create_pool(minsize=1, maxsize=10, **options)

        async def work(n):
            async with pool.acquire() as connection:
                async with connection.cursor() as cursor:
                    await cursor.execute('SELECT %s, %s, %s', (n, 'ä😀\'"\\', None))
                    assert await cursor.fetchone() == (n, 'ä😀\'"\\', None)
                    await cursor.execute('SELECT SLEEP(0.01), %s', (n,))
                    assert (await cursor.fetchone())[1] == n

        await asyncio.gather(*(work(n) for n in range(100)))
        async with pool.acquire() as connection:
            async with connection.cursor(cursors.SSCursor) as cursor:
                await cursor.execute('WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 200) SELECT a.n FROM r a, r b')
                count = 0
                while await cursor.fetchone():
                    count += 1
                assert count == 40_000
            try:
                async with connection.cursor() as cursor:
                    await cursor.execute('SELECT nothing')
                raise AssertionError('no error')
            except Exception as error:
                assert error.args[0] == 1054, error
            await connection.begin()
            async with connection.cursor() as cursor:
                await cursor.execute(f'CREATE TEMPORARY TABLE async_{driver} (a INT)')
                await cursor.executemany(f'INSERT INTO async_{driver} VALUES (%s)', [(i,) for i in range(2000)])
                await connection.commit()
                await cursor.execute(f'SELECT SUM(a) FROM async_{driver}')
                assert (await cursor.fetchone())[0] == 1_999_000
        pool.close()
        await pool.wait_closed()

    asyncio.run(main())


def django_project():
    """A project with one application, which other modules import as `shop`."""
    import django
    from django.conf import settings
    if settings.configured:
        return
    folder = tempfile.mkdtemp(prefix='portolan-interop-django-')
    os.mkdir(f'{folder}/shop')
    with open(f'{folder}/shop/__init__.py', 'w'):
        pass
    with open(f'{folder}/shop/models.py', 'w') as file:
        file.write(textwrap.dedent('''
            from django.db import models

            class Person(models.Model):
                name = models.CharField(max_length=50, unique=True)
                born = models.DateTimeField(null=True)
                settings = models.JSONField(default=dict)
                friends = models.ManyToManyField('self')

            class Order(models.Model):
                person = models.ForeignKey(Person, on_delete=models.CASCADE)
                total = models.DecimalField(max_digits=10, decimal_places=2)
                photo = models.BinaryField(null=True)
        '''))
    sys.path.insert(0, folder)
    settings.configure(
        INSTALLED_APPS=['django.contrib.contenttypes', 'django.contrib.auth', 'django.contrib.sessions', 'shop'],
        DEFAULT_AUTO_FIELD='django.db.models.BigAutoField',
        USE_TZ=True,
        DATABASES={
            'default': {
                'ENGINE': 'django.db.backends.mysql', 'HOST': HOST, 'PORT': PORT, 'USER': 'app', 'PASSWORD': 'app',
                'NAME': 'django', 'CONN_MAX_AGE': 60, 'CONN_HEALTH_CHECKS': True,
                'OPTIONS': {'charset': 'utf8mb4', 'init_command': "SET sql_mode = 'STRICT_TRANS_TABLES'"},
            },
        },
    )
    connection = pymysql.connect(host=HOST, port=PORT, user='app', password='app')
    connection.cursor().execute('CREATE DATABASE IF NOT EXISTS django CHARACTER SET utf8mb4')
    connection.close()
    django.setup()


@case
def django_migrations():
    django_project()
    from django.core.management import call_command
    from django.db import connection
    call_command('makemigrations', 'shop', verbosity=0)
    call_command('migrate', verbosity=0)
    call_command('migrate', verbosity=0)
    assert 'shop_order' in connection.introspection.table_names()
    call_command('migrate', 'shop', 'zero', verbosity=0)
    assert 'shop_order' not in connection.introspection.table_names()
    call_command('migrate', 'shop', verbosity=0)
    call_command('check', databases=['default'])
    # inspectdb reads what was made.
    with open(os.devnull, 'w') as out:
        call_command('inspectdb', stdout=out)


@case
def django_rows_and_transactions():
    django_project()
    from django.db import IntegrityError, connection, models, transaction
    from django.utils import timezone
    from shop.models import Order, Person
    now = timezone.now()
    ada = Person.objects.create(name='Ada ä😀%', born=now, settings={'a': {'b': [1]}})
    assert Person.objects.get(settings__a__b=[1]).born == now
    Order.objects.bulk_create([Order(person=ada, total=i, photo=b'\x00\xff\'') for i in range(1000)], batch_size=300)
    assert Order.objects.aggregate(s=models.Sum('total'))['s'] == 499_500
    assert bytes(Order.objects.first().photo) == b'\x00\xff\''
    try:
        with transaction.atomic():
            Order.objects.all().delete()
            with transaction.atomic():
                Person.objects.create(name='Bob')
            Person.objects.create(name='Ada ä😀%')
        raise AssertionError('no error')
    except IntegrityError as error:
        assert error.args[0] == 1062
    assert (Order.objects.count(), Person.objects.count()) == (1000, 1)
    with transaction.atomic():
        locked = Order.objects.select_for_update().filter(total__lt=10)
        assert len(locked) == 10
        locked.update(total=models.F('total') + 1)
    bob, made = Person.objects.update_or_create(name='Bob', defaults={'born': now})
    assert made
    ada.friends.add(bob)
    assert list(bob.friends.all()) == [ada]
    assert sum(1 for _ in Order.objects.iterator(chunk_size=50)) == 1000
    assert Person.objects.annotate(n=models.Count('order')).get(pk=ada.pk).n == 1000
    Order.objects.bulk_update([Order(pk=order.pk, total=7) for order in Order.objects.all()[:100]], ['total'])
    assert Order.objects.filter(total=7).count() >= 100
    assert Person.objects.filter(pk=ada.pk).explain()
    Person.objects.all().delete()
    assert Order.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute('SELECT @@sql_mode')
        assert cursor.fetchone()[0] == 'STRICT_TRANS_TABLES'


@case
def django_many_threads():
    django_project()
    from django.contrib.auth.models import User
    from django.db import connection, models, transaction
    from shop.models import Order, Person
    person = Person.objects.create(name='of many')
    user = User.objects.create_user('user', password='secret')
    assert user.check_password('secret')

    def work(n):
        for i in range(10):
            with transaction.atomic():
                assert Person.objects.select_for_update().get(pk=person.pk).name == 'of many'
                Order.objects.create(person=person, total=i)
                if i % 2:
                    transaction.set_rollback(True)
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(12) as threads:
        list(threads.map(work, range(12)))
    assert Order.objects.filter(person=person).aggregate(n=models.Count('id'))['n'] == 60


for name, body in CASES:
    wanted = os.environ.get('INTEROP_CASE')
    if wanted and wanted != name:
        continue
    try:
        body()
        print(f'ok {name}')
    except BaseException as error:
        where = traceback.format_exc(limit=-4).strip().replace('\n', ' | ')
        print(f'FAIL {name}\t{where}')
    sys.stdout.flush()
os._exit(0)
