// Dapr's Go SDK, unchanged: metadata, configuration, locks, secrets, publishing, subscriptions by stream, invocation, the token.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	dapr "github.com/dapr/go-sdk/client"
	"github.com/dapr/go-sdk/service/common"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

const patience = 15 * time.Second

var ctx = context.Background()
var client dapr.Client

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
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		check(time.Now().Before(deadline), "the condition never held")
	}
}

func expect(err error, words string) {
	check(err != nil, "no error")
	check(strings.Contains(err.Error(), words), err)
}

func next[T any](from <-chan T) T {
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		panic("nothing has come")
	}
}

var names int

func unique(name string) string {
	names++
	return fmt.Sprintf("%s-%d-%d", name, os.Getpid(), names)
}

// Dapr's API cannot write configuration: Layotto's can, whose request is put together from its fields here.
func write(key, value string) {
	field := func(number protowire.Number, data []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), data)
	}
	item := append(field(1, []byte(key)), field(2, []byte(value))...)
	request := &emptypb.Empty{}
	request.ProtoReflect().SetUnknown(append(field(1, []byte("configuration")), field(3, item)...))
	conn := client.GrpcClientConn()
	must(conn.Invoke(ctx, "/spec.proto.runtime.v1.Runtime/SaveConfiguration", proto.Message(request), &emptypb.Empty{}))
}

// What a subscription hands over, each acknowledged.
func received(topic string, metadata map[string]string) <-chan *common.TopicEvent {
	events := make(chan *common.TopicEvent, 100)
	options := dapr.SubscriptionOptions{PubsubName: "pubsub", Topic: topic, Metadata: metadata}
	_, err := client.SubscribeWithHandler(ctx, options, func(event *common.TopicEvent) common.SubscriptionResponseStatus {
		events <- event
		return common.SubscriptionResponseStatusSuccess
	})
	must(err)
	return events
}

var cases = []struct {
	name string
	run  func()
}{
	{"start: the sidecar is waited for", func() { must(client.Wait(ctx, patience)) }},
	{"metadata: components and values of the application", func() {
		must(client.SetMetadata(ctx, "from", "go"))
		told, err := client.GetMetadata(ctx)
		must(err)
		check(told.ExtendedMetadata["from"] == "go", told.ExtendedMetadata)
		names := map[string]bool{}
		for _, component := range told.RegisteredComponents {
			names[component.Name] = true
		}
		check(names["configuration"] && names["locks"] && names["secrets"] && names["pubsub"], names)
	}},
	{"configuration: get one, several, an absent one", func() {
		key, absent := unique("key"), unique("absent")
		write(key, "value")
		item, err := client.GetConfigurationItem(ctx, "configuration", key)
		must(err)
		check(item.Value == "value" && item.Version != "", item)
		items, err := client.GetConfigurationItems(ctx, "configuration", []string{key, absent})
		must(err)
		check(len(items) == 1 && items[key].Value == "value", items)
	}},
	{"configuration: subscribe and unsubscribe", func() {
		key := unique("key")
		write(key, "before")
		events := make(chan map[string]*dapr.ConfigurationItem, 100)
		id, err := client.SubscribeConfigurationItems(ctx, "configuration", []string{key}, func(_ string, items map[string]*dapr.ConfigurationItem) {
			// The first message has the subscription's number alone.
			if len(items) > 0 {
				events <- items
			}
		})
		must(err)
		write(unique("other"), "not told")
		write(key, "after")
		check(next(events)[key].Value == "after")
		must(client.UnsubscribeConfigurationItems(ctx, "configuration", id))
		write(key, "later")
		select {
		case items := <-events:
			panic(fmt.Sprint("told after its end: ", items))
		case <-time.After(300 * time.Millisecond):
		}
	}},
	{"configuration: an unknown store is an error", func() {
		_, err := client.GetConfigurationItem(ctx, "nowhere", "key")
		expect(err, "not found")
	}},
	{"lock: try and unlock, statuses", func() {
		name := unique("lock")
		try := func(owner string) bool {
			answer, err := client.TryLockAlpha1(ctx, "locks", &dapr.LockRequest{ResourceID: name, LockOwner: owner, ExpiryInSeconds: 60})
			must(err)
			return answer.Success
		}
		unlock := func(owner string) string {
			answer, err := client.UnlockAlpha1(ctx, "locks", &dapr.UnlockRequest{ResourceID: name, LockOwner: owner})
			must(err)
			return answer.Status
		}
		check(try("me") && !try("you"))
		statuses := []string{unlock("you"), unlock("me"), unlock("me")}
		check(reflect.DeepEqual(statuses, []string{"LOCK_BELONGS_TO_OTHERS", "SUCCESS", "LOCK_DOES_NOT_EXIST"}), statuses)
	}},
	{"lock: free again after its time", func() {
		request := func(owner string, seconds int32) *dapr.LockRequest {
			return &dapr.LockRequest{ResourceID: "timed", LockOwner: owner, ExpiryInSeconds: seconds}
		}
		first, err := client.TryLockAlpha1(ctx, "locks", request("me", 1))
		must(err)
		check(first.Success)
		until(func() bool {
			answer, err := client.TryLockAlpha1(ctx, "locks", request("you", 60))
			must(err)
			return answer.Success
		})
	}},
	{"secrets: one, all, an absent one", func() {
		one, err := client.GetSecret(ctx, "secrets", "ONE", nil)
		must(err)
		check(reflect.DeepEqual(one, map[string]string{"ONE": "1"}), one)
		all, err := client.GetBulkSecret(ctx, "secrets", nil)
		must(err)
		check(reflect.DeepEqual(all, map[string]map[string]string{"ONE": {"ONE": "1"}, "TWO": {"TWO": "2"}}), all)
		_, err = client.GetSecret(ctx, "secrets", "ABSENT", nil)
		expect(err, "ABSENT")
	}},
	{"publish and subscribe: JSON, text, bytes", func() {
		topic := unique("topic")
		events := received(topic, nil)
		// One at a time: the SDK handles each message in a routine of its own.
		must(client.PublishEvent(ctx, "pubsub", topic, map[string]int{"a": 1}))
		first := next(events)
		check(reflect.DeepEqual(first.Data, map[string]any{"a": 1.0}), first.Data)
		must(client.PublishEvent(ctx, "pubsub", topic, "text"))
		second := next(events)
		check(second.Data == "text" && second.Topic == topic && second.PubsubName == "pubsub", second)
		must(client.PublishEvent(ctx, "pubsub", topic, []byte{0, 255}, dapr.PublishEventWithContentType("application/octet-stream")))
		third := next(events)
		check(reflect.DeepEqual(third.RawData, []byte{0, 255}), third.RawData)
	}},
	{"subscribe: receive by hand, retry, drop", func() {
		topic := unique("topic")
		subscription, err := client.Subscribe(ctx, dapr.SubscriptionOptions{PubsubName: "pubsub", Topic: topic})
		must(err)
		receive := func() *dapr.SubscriptionMessage {
			message, err := subscription.Receive()
			must(err)
			return message
		}
		for _, text := range []string{"again", "drop", "last"} {
			must(client.PublishEvent(ctx, "pubsub", topic, text))
		}
		var got []string
		for len(got) < 4 {
			message := receive()
			text := message.Data.(string)
			got = append(got, text)
			switch {
			case text == "again" && len(got) == 1:
				must(message.Retry())
			case text == "drop":
				must(message.Drop())
			default:
				must(message.Success())
			}
		}
		check(strings.Count(strings.Join(got, " "), "again") == 2 && strings.Count(strings.Join(got, " "), "drop") == 1, got)
		must(subscription.Close())
	}},
	{"subscribe: what is dropped goes to the dead letters", func() {
		topic, dead := unique("topic"), unique("dead")
		letters := received(dead, nil)
		options := dapr.SubscriptionOptions{PubsubName: "pubsub", Topic: topic, DeadLetterTopic: &dead}
		stop, err := client.SubscribeWithHandler(ctx, options, func(*common.TopicEvent) common.SubscriptionResponseStatus {
			return common.SubscriptionResponseStatusDrop
		})
		must(err)
		must(client.PublishEvent(ctx, "pubsub", topic, "unwanted"))
		check(next(letters).Data == "unwanted")
		must(stop())
	}},
	{"publish in bulk", func() {
		topic := unique("topic")
		events := received(topic, nil)
		answer := client.PublishEvents(ctx, "pubsub", topic, []any{"1", "2", map[string]int{"n": 3}})
		must(answer.Error)
		check(len(answer.FailedEvents) == 0, answer.FailedEvents)
		// In any order, see above.
		seen := map[string]bool{}
		for range 3 {
			seen[fmt.Sprint(next(events).Data)] = true
		}
		check(seen["1"] && seen["2"] && seen["map[n:3]"], seen)
	}},
	{"publish without an envelope", func() {
		topic := unique("topic")
		events := received(topic, map[string]string{"rawPayload": "true"})
		must(client.PublishEvent(ctx, "pubsub", topic, "bare", dapr.PublishEventWithRawPayload()))
		check(string(next(events).RawData) == "bare")
	}},
	{"publish to an unknown component is an error", func() {
		expect(client.PublishEvent(ctx, "nowhere", "topic", "data"), "nowhere")
		expect(client.PublishEvents(ctx, "nowhere", "topic", []any{"data"}).Error, "nowhere")
	}},
	{"publish from many routines at once", func() {
		topic := unique("topic")
		events := received(topic, nil)
		var all sync.WaitGroup
		for i := range 50 {
			all.Add(1)
			go func() {
				defer all.Done()
				must(client.PublishEvent(ctx, "pubsub", topic, fmt.Sprint(i)))
			}()
		}
		all.Wait()
		got := map[any]bool{}
		for range 50 {
			got[next(events).Data] = true
		}
		check(len(got) == 50, got)
	}},
	{"invoke: a method of an application, with its verb, query and content", func() {
		out, err := client.InvokeMethod(ctx, "echo", "path/a?b=c", "get")
		must(err)
		check(string(out) == "GET /path/a?b=c  ", string(out))
		content := &dapr.DataContent{ContentType: "text/plain", Data: []byte("hello")}
		out, err = client.InvokeMethodWithContent(ctx, "echo", "path", "post", content)
		must(err)
		check(string(out) == "POST /path text/plain hello", string(out))
		out, err = client.InvokeMethodWithCustomContent(ctx, "echo", "path", "put", "application/json", map[string]int{"a": 1})
		must(err)
		check(string(out) == `PUT /path application/json {"a":1}`, string(out))
	}},
	{"invoke: an unknown application, and one that says no, are errors", func() {
		_, err := client.InvokeMethod(ctx, "nobody", "path", "get")
		expect(err, "NotFound")
		_, err = client.InvokeMethod(ctx, "echo", "missing", "get")
		expect(err, "NotFound")
	}},
	{"state: the answer names the listeners to use", func() {
		_, err := client.GetState(ctx, "store", "key", nil)
		expect(err, "redis or mysql listener")
	}},
	{"token: a call with it, and one without it", func() {
		stranger, err := dapr.NewClientWithAddress(os.Getenv("INTEROP_GUARDED"))
		must(err)
		defer stranger.Close()
		_, err = stranger.GetMetadata(ctx)
		expect(err, "api token")
		stranger.WithAuthToken(os.Getenv("INTEROP_TOKEN"))
		_, err = stranger.GetMetadata(ctx)
		must(err)
		must(stranger.PublishEvent(ctx, "pubsub", unique("guarded"), "data"))
	}},
}

func run(test func()) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = errors.New(strings.ReplaceAll(fmt.Sprint(caught), "\n", " | "))
		}
	}()
	test()
	return nil
}

func main() {
	var err error
	client, err = dapr.NewClientWithAddress(os.Getenv("DAPR_GRPC_ENDPOINT"))
	must(err)
	for _, each := range cases {
		if only := os.Getenv("INTEROP_CASE"); only != "" && only != each.name {
			continue
		}
		if err := run(each.run); err != nil {
			fmt.Printf("FAIL %s\t%s\n", each.name, err)
		} else {
			fmt.Println("ok " + each.name)
		}
	}
}
