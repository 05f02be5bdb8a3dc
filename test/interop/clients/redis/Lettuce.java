// Lettuce (the default of Spring Data Redis) and Jedis as an application uses them, with their defaults.
import io.lettuce.core.*;
import io.lettuce.core.api.*;
import io.lettuce.core.api.async.*;
import io.lettuce.core.pubsub.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import redis.clients.jedis.*;

public class Lettuce {
    static final String host = System.getenv("REDIS_HOST");
    static final int port = Integer.parseInt(System.getenv("REDIS_PORT"));
    static final int authPort = Integer.parseInt(System.getenv("REDIS_AUTH_PORT"));

    interface Body { void run() throws Exception; }

    static void check(boolean condition, Object got) {
        if (!condition) throw new AssertionError("unexpected: " + got);
    }

    static void run(String name, Body body) {
        ExecutorService thread = Executors.newSingleThreadExecutor(task -> { Thread t = new Thread(task); t.setDaemon(true); return t; });
        try {
            thread.submit(() -> { body.run(); return null; }).get(25, TimeUnit.SECONDS);
            System.out.println("ok " + name);
        } catch (Throwable error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            System.out.println("FAIL " + name + "\t" + String.valueOf(cause).replace('\n', ' '));
        }
    }

    static StatefulRedisConnection<String, String> open(RedisURI uri) {
        uri.setTimeout(Duration.ofSeconds(20));
        return RedisClient.create(uri).connect();
    }

    static RedisURI uri() { return RedisURI.create(host, port); }

    static void until(Callable<Boolean> condition) throws Exception {
        while (!condition.call()) Thread.sleep(5);
    }

    public static void main(String[] args) {
        run("lettuce: connect with name and database", () -> {
            RedisURI uri = uri();
            uri.setClientName("interop");
            uri.setDatabase(3);
            var c = open(uri).sync();
            check(c.ping().equals("PONG"), "ping");
            check(c.clientGetname().equals("interop"), c.clientGetname());
            check(c.clientList().contains("name=interop"), c.clientList());
        });
        run("lettuce: user and password", () -> {
            var c = open(RedisURI.builder().withHost(host).withPort(authPort).withAuthentication("app", "app-secret").build()).sync();
            check(c.set("k", "v").equals("OK"), "set");
        });
        run("lettuce: wrong password", () -> {
            try {
                open(RedisURI.builder().withHost(host).withPort(authPort).withPassword("wrong".toCharArray()).build());
            } catch (RedisConnectionException error) {
                check(String.valueOf(error.getCause()).contains("WRONGPASS"), error.getCause());
                return;
            }
            throw new AssertionError("was let in");
        });
        run("lettuce: RESP2", () -> {
            RedisClient client = RedisClient.create(uri());
            client.setOptions(ClientOptions.builder().protocolVersion(io.lettuce.core.protocol.ProtocolVersion.RESP2).build());
            var c = client.connect().sync();
            c.hset("h2", Map.of("a", "1"));
            check(c.hgetall("h2").equals(Map.of("a", "1")), c.hgetall("h2"));
        });
        run("lettuce: values", () -> {
            var c = open(uri()).sync();
            c.set("s", "ä\r\n");
            check(c.get("s").equals("ä\r\n"), c.get("s"));
            check(c.get("missing") == null, "null");
            c.zadd("z", 1.5, "one");
            check(c.zscore("z", "one") == 1.5, c.zscore("z", "one"));
            c.hset("h", Map.of("a", "1", "b", "2"));
            check(c.hgetall("h").size() == 2, "hash");
            c.sadd("set", "x", "y");
            check(c.smembers("set").size() == 2, "set");
            check(c.configGet("maxmemory").get("maxmemory").equals("0"), "config");
            check(c.commandCount() > 200, c.commandCount());
        });
        run("lettuce: pipeline of 1000", () -> {
            var c = open(uri()).async();
            List<RedisFuture<String>> replies = new ArrayList<>();
            for (int i = 0; i < 1000; i++) { c.set("p" + i, "" + i); replies.add(c.get("p" + i)); }
            for (int i = 0; i < 1000; i++) check(replies.get(i).get().equals("" + i), i);
        });
        run("lettuce: transaction and watch", () -> {
            var c = open(uri()).sync();
            var other = open(uri()).sync();
            c.multi();
            c.set("m", "1");
            c.incr("m");
            TransactionResult result = c.exec();
            check(result.get(1).equals(2L), result);
            c.watch("m");
            other.set("m", "9");
            c.multi();
            c.set("m", "3");
            check(c.exec().wasDiscarded(), "discarded");
        });
        run("lettuce: blpop", () -> {
            var c = open(uri());
            var other = open(uri()).sync();
            check(c.sync().blpop(1, "empty") == null, "timeout");
            RedisFuture<KeyValue<String, String>> popped = c.async().blpop(0, "q1", "q2");
            until(() -> other.info("clients").contains("blocked_clients:1"));
            other.rpush("q2", "job");
            check(popped.get().getValue().equals("job"), popped);
        });
        run("lettuce: streams", () -> {
            var c = open(uri());
            var other = open(uri()).sync();
            c.sync().xgroupCreate(XReadArgs.StreamOffset.from("stream", "$"), "g", XGroupCreateArgs.Builder.mkstream());
            var read = c.async().xreadgroup(io.lettuce.core.Consumer.from("g", "c"), XReadArgs.Builder.block(0), XReadArgs.StreamOffset.lastConsumed("stream"));
            until(() -> other.info("clients").contains("blocked_clients:1"));
            String id = other.xadd("stream", Map.of("f", "v"));
            check(read.get().get(0).getId().equals(id), id);
        });
        run("lettuce: subscribe and publish", () -> {
            RedisClient client = RedisClient.create(uri());
            BlockingQueue<String> got = new LinkedBlockingQueue<>();
            var subscriber = client.connectPubSub();
            subscriber.addListener(new RedisPubSubAdapter<>() {
                public void message(String channel, String message) { got.add(channel + "=" + message); }
                public void message(String pattern, String channel, String message) { got.add(pattern + " " + channel + "=" + message); }
            });
            subscriber.sync().subscribe("news");
            subscriber.sync().psubscribe("n*");
            var other = client.connect().sync();
            check(other.publish("news", "hello") == 2, "receivers");
            check(Set.of(got.take(), got.take()).equals(Set.of("news=hello", "n* news=hello")), got);
        });
        run("lettuce: lua", () -> {
            var c = open(uri()).sync();
            check(c.<Long>eval("return ARGV[1] * 2", ScriptOutputType.INTEGER, new String[0], "21") == 42, "eval");
            try {
                c.evalsha("0".repeat(40), ScriptOutputType.INTEGER);
            } catch (RedisNoScriptException error) {
                return;
            }
            throw new AssertionError("no NOSCRIPT");
        });
        run("lettuce: scan", () -> {
            RedisURI uri = uri();
            uri.setDatabase(4);
            var c = open(uri).sync();
            Map<String, String> many = new HashMap<>();
            for (int i = 0; i < 1000; i++) many.put("scan:" + i, "x");
            c.mset(many);
            Set<String> seen = new HashSet<>();
            ScanIterator.scan(c, ScanArgs.Builder.matches("scan:*").limit(100)).forEachRemaining(seen::add);
            check(seen.size() == 1000, seen.size());
        });
        run("lettuce: value of 20 MB", () -> {
            var c = open(uri()).sync();
            String value = "0123456789".repeat(2 << 20);
            c.set("big", value);
            check(c.get("big").equals(value), "big");
        });
        run("lettuce: reconnect after CLIENT KILL", () -> {
            var c = open(uri()).sync();
            var other = open(uri()).sync();
            check(other.clientKill(KillArgs.Builder.id(c.clientId())) == 1, "killed");
            check(c.set("kept", "yes").equals("OK"), "set");
        });
        run("jedis: values, pipeline, transaction, watch", () -> {
            try (JedisPooled pool = new JedisPooled(host, port); Jedis c = new Jedis(host, port); Jedis other = new Jedis(host, port)) {
                pool.set("j", "1");
                check(pool.incr("j") == 2, "incr");
                Pipeline pipeline = c.pipelined();
                List<Response<String>> replies = new ArrayList<>();
                for (int i = 0; i < 1000; i++) { pipeline.set("jp" + i, "" + i); replies.add(pipeline.get("jp" + i)); }
                pipeline.sync();
                for (int i = 0; i < 1000; i++) check(replies.get(i).get().equals("" + i), i);
                c.watch("j");
                other.set("j", "9");
                redis.clients.jedis.Transaction tx = c.multi();
                tx.set("j", "3");
                check(tx.exec() == null, "discarded");
            }
        });
        run("jedis: user, password, name and RESP3", () -> {
            var config = DefaultJedisClientConfig.builder().user("app").password("app-secret").clientName("jedis").protocol(RedisProtocol.RESP3).build();
            try (Jedis c = new Jedis(new HostAndPort(host, authPort), config)) {
                check(c.clientGetname().equals("jedis"), "name");
                c.hset("jh", "a", "1");
                check(c.hgetAll("jh").equals(Map.of("a", "1")), "hash");
            }
        });
        run("jedis: subscribe and blpop", () -> {
            try (Jedis c = new Jedis(host, port); Jedis other = new Jedis(host, port)) {
                BlockingQueue<String> got = new LinkedBlockingQueue<>();
                JedisPubSub subscriber = new JedisPubSub() {
                    public void onMessage(String channel, String message) { got.add(message); unsubscribe(); }
                };
                Thread thread = new Thread(() -> c.subscribe(subscriber, "jedis"));
                thread.start();
                until(() -> other.publish("jedis", "hello") == 1);
                check(got.take().equals("hello"), "message");
                thread.join();
                other.rpush("jq", "job");
                check(c.blpop(5, "jq").equals(List.of("jq", "job")), "blpop");
            }
        });
        System.exit(0);
    }
}
