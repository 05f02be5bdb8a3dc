// go-redis as an application uses it, with its defaults (RESP3).
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()
var address = os.Getenv("REDIS_HOST") + ":" + os.Getenv("REDIS_PORT")
var authAddress = os.Getenv("REDIS_HOST") + ":" + os.Getenv("REDIS_AUTH_PORT")

func open(change func(*redis.Options)) *redis.Client {
	options := &redis.Options{Addr: address, ReadTimeout: 20 * time.Second}
	if change != nil {
		change(options)
	}
	return redis.NewClient(options)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(condition bool, got ...any) {
	if !condition {
		panic(fmt.Sprint("unexpected: ", got))
	}
}

func until(condition func() bool) {
	for deadline := time.Now().Add(15 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		check(time.Now().Before(deadline), "the condition never held")
	}
}

var cases = []struct {
	name string
	run  func()
}{
	{"connect", func() {
		c := open(func(o *redis.Options) { o.ClientName = "interop"; o.DB = 3 })
		must(c.Ping(ctx).Err())
		name, err := c.ClientGetName(ctx).Result()
		must(err)
		check(name == "interop", name)
		list := c.ClientList(ctx).Val()
		check(strings.Contains(list, "name=interop") && strings.Contains(list, "db=3"), list)
	}},
	{"RESP2", func() {
		c := open(func(o *redis.Options) { o.Protocol = 2 })
		must(c.HSet(ctx, "h2", "a", 1).Err())
		check(c.HGetAll(ctx, "h2").Val()["a"] == "1")
	}},
	{"passwords", func() {
		must(open(func(o *redis.Options) { o.Addr = authAddress; o.Password = "secret" }).Set(ctx, "k", "v", 0).Err())
		c := open(func(o *redis.Options) { o.Addr = authAddress; o.Username = "app"; o.Password = "app-secret" })
		must(c.Set(ctx, "k", "v", 0).Err())
		err := open(func(o *redis.Options) { o.Addr = authAddress; o.Password = "wrong" }).Ping(ctx).Err()
		check(err != nil && strings.Contains(err.Error(), "WRONGPASS"), err)
		err = open(func(o *redis.Options) { o.Addr = authAddress }).Ping(ctx).Err()
		check(err != nil && strings.Contains(err.Error(), "NOAUTH"), err)
	}},
	{"values", func() {
		c := open(nil)
		must(c.Set(ctx, "s", "a\x00\r\nb", time.Minute).Err())
		check(c.Get(ctx, "s").Val() == "a\x00\r\nb")
		check(errors.Is(c.Get(ctx, "missing").Err(), redis.Nil))
		check(c.IncrByFloat(ctx, "f", 1.5).Val() == 1.5)
		must(c.ZAdd(ctx, "z", redis.Z{Score: 1.5, Member: "one"}, redis.Z{Score: 2, Member: "two"}).Err())
		check(c.ZRangeWithScores(ctx, "z", 0, -1).Val()[0].Score == 1.5)
		must(c.SAdd(ctx, "set", "x", "y").Err())
		check(len(c.SMembersMap(ctx, "set").Val()) == 2)
		check(len(c.Command(ctx).Val()) > 200)
		check(c.ConfigGet(ctx, "maxmemory").Val()["maxmemory"] == "0")
		err := c.Do(ctx, "NOSUCH", "a").Err()
		check(err != nil && strings.Contains(err.Error(), "ERR unknown command 'NOSUCH', with args beginning with: 'a'"), err)
	}},
	{"pipeline of 1000", func() {
		replies, err := open(nil).Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 1000 {
				p.Set(ctx, fmt.Sprint("p", i), i, 0)
				p.Get(ctx, fmt.Sprint("p", i))
			}
			return nil
		})
		must(err)
		for i := range 1000 {
			check(replies[2*i+1].(*redis.StringCmd).Val() == fmt.Sprint(i), i)
		}
	}},
	{"multi and exec", func() {
		replies, err := open(nil).TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, "m", 1, 0)
			p.Incr(ctx, "m")
			return nil
		})
		must(err)
		check(replies[1].(*redis.IntCmd).Val() == 2)
	}},
	{"watch: optimistic loops", func() {
		c := open(nil)
		var group sync.WaitGroup
		for range 5 {
			group.Add(1)
			go func() {
				defer group.Done()
				for done := 0; done < 20; {
					err := c.Watch(ctx, func(tx *redis.Tx) error {
						n, err := tx.Get(ctx, "counter").Int()
						if err != nil && !errors.Is(err, redis.Nil) {
							return err
						}
						_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "counter", n+1, 0).Err() })
						return err
					}, "counter")
					if err == nil {
						done++
					} else if !errors.Is(err, redis.TxFailedErr) {
						fmt.Println("watch:", err)
						return
					}
				}
			}()
		}
		group.Wait()
		n, _ := c.Get(ctx, "counter").Int()
		check(n == 100, n)
	}},
	{"blpop", func() {
		c := open(nil)
		check(errors.Is(c.BLPop(ctx, time.Second, "empty").Err(), redis.Nil))
		got := make(chan []string)
		go func() { got <- c.BLPop(ctx, 0, "q1", "q2").Val() }()
		until(func() bool { return strings.Contains(c.Info(ctx, "clients").Val(), "blocked_clients:1") })
		must(c.RPush(ctx, "q2", "job").Err())
		popped := <-got
		check(len(popped) == 2 && popped[1] == "job", popped)
	}},
	{"xreadgroup block", func() {
		c := open(nil)
		must(c.XGroupCreateMkStream(ctx, "stream", "g", "$").Err())
		read := &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{"stream", ">"}, Block: 20 * time.Millisecond}
		check(errors.Is(c.XReadGroup(ctx, read).Err(), redis.Nil))
		got := make(chan []redis.XStream)
		forever := *read
		forever.Block = 0
		go func() { got <- c.XReadGroup(ctx, &forever).Val() }()
		until(func() bool { return strings.Contains(c.Info(ctx, "clients").Val(), "blocked_clients:1") })
		id := c.XAdd(ctx, &redis.XAddArgs{Stream: "stream", Values: map[string]any{"f": "v"}}).Val()
		streams := <-got
		check(len(streams) == 1 && streams[0].Messages[0].ID == id, streams)
	}},
	{"subscribe and publish", func() {
		c := open(nil)
		for _, p := range []*redis.PubSub{c.Subscribe(ctx, "news"), c.PSubscribe(ctx, "n?ws"), c.SSubscribe(ctx, "shard")} {
			_, err := p.Receive(ctx)
			must(err)
			defer p.Close()
			messages := p.Channel()
			go c.SPublish(ctx, "shard", "hello")
			go c.Publish(ctx, "news", "hello")
			message := <-messages
			check(message.Payload == "hello", message)
			must(p.Ping(ctx))
		}
	}},
	{"lua", func() {
		c := open(nil)
		must(c.ScriptFlush(ctx).Err())
		script := redis.NewScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")
		for want := range 3 {
			n, err := script.Run(ctx, c, []string{"lua-n"}, 1).Int()
			must(err)
			check(n == want+1, n)
		}
	}},
	{"scan", func() {
		c := open(func(o *redis.Options) { o.DB = 4 })
		for i := range 1000 {
			must(c.Set(ctx, fmt.Sprint("scan:", i), i, 0).Err())
		}
		seen := map[string]bool{}
		for iterator := c.Scan(ctx, 0, "scan:*", 100).Iterator(); iterator.Next(ctx); {
			seen[iterator.Val()] = true
		}
		check(len(seen) == 1000, len(seen))
	}},
	{"value of 20 MB", func() {
		c := open(nil)
		value := bytes.Repeat([]byte("0123456789abcdefghij\x00\r\n"), (20<<20)/23)
		must(c.Set(ctx, "big", value, 0).Err())
		got, err := c.Get(ctx, "big").Bytes()
		must(err)
		check(bytes.Equal(got, value), len(got))
	}},
	{"reconnect after CLIENT KILL", func() {
		c, other := open(func(o *redis.Options) { o.PoolSize = 1; o.ClientName = "victim" }), open(nil)
		id := c.ClientID(ctx).Val()
		check(other.ClientKillByFilter(ctx, "ID", fmt.Sprint(id)).Val() == 1)
		must(c.Set(ctx, "kept", "yes", 0).Err())
		check(c.ClientGetName(ctx).Val() == "victim")
	}},
	{"50 goroutines", func() {
		c := open(nil)
		var group sync.WaitGroup
		for me := range 50 {
			group.Add(1)
			go func() {
				defer group.Done()
				for n := range 20 {
					c.Set(ctx, fmt.Sprint("c", me), n, 0)
					if got, _ := c.Get(ctx, fmt.Sprint("c", me)).Int(); got != n {
						fmt.Println("mixed up:", me, n, got)
						os.Exit(1)
					}
				}
			}()
		}
		group.Wait()
	}},
}

func main() {
	for _, one := range cases {
		why := make(chan any, 1)
		go func() {
			defer func() { why <- recover() }()
			one.run()
		}()
		select {
		case problem := <-why:
			if problem == nil {
				fmt.Println("ok " + one.name)
			} else {
				fmt.Printf("FAIL %s\t%v\n", one.name, problem)
			}
		case <-time.After(20 * time.Second):
			fmt.Printf("FAIL %s\tno end within 20 s\n", one.name)
		}
	}
}
