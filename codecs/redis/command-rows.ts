/**
 * Facts about every command of Redis up to 8.10, Valkey up to 9.1 and the usual modules, as their documentation and COMMAND
 * tell them; what a backend says itself goes before. One command per line, subcommands (`|name`) behind their container:
 *
 *     name arity flags categories key-specifications
 *
 * Flags: w write, r readonly, m denyoom, a admin, p pubsub, s noscript, b blocking, l loading, t stale, M skip_monitor,
 * S skip_slowlog, k asking, F fast, A no_auth, R may_replicate, n no_mandatory_keys, y no_async_loading, T no_multi,
 * B allow_busy, v movablekeys, * touches_arbitrary_keys, o module. Categories that follow from flags are left out.
 * Key specifications: key-spec.ts.
 */
export const COMMAND_ROWS = `
# array
arcount 2 rF array 1:RO.access
ardel -3 wF array 1:RW.delete
ardelrange -4 w array 1:RW.delete
arget 3 rF array 1:RO.access
argetrange 4 r array 1:RO.access
argrep -6 r array 1:RO.access
arinfo -2 r array 1:RO.access
arinsert -3 wmF array 1:RW.update
arlastitems -3 r array 1:RO.access
arlen 2 rF array 1:RO.access
armget -3 rF array 1:RO.access
armset -4 wmF array 1:RW.update
arnext 2 rF array 1:RO.access
arop -5 r array 1:RO.access
arring -4 wm array 1:RW.update
arscan -4 r array 1:RO.access
arseek 3 wF array 1:RW.update
arset -4 wmF array 1:RW.update

# bf
bf.add 3 wmo bloom 1:RW.access.update
bf.card 2 rFo bloom 1:RO.access
bf.debug 2 rFo bloom 1:RO.access
bf.exists 3 rFo bloom 1:RO.access
bf.info -2 rFo bloom 1:RO.access
bf.insert -4 wmo bloom 1:RW.access.update
bf.load 3 wmo bloom 1:RW.access.update
bf.loadchunk 4 wmo bloom 1:RW.access.update
bf.madd -3 wmo bloom 1:RW.access.update
bf.mexists -3 rFo bloom 1:RO.access
bf.reserve -4 wmo fast.bloom 1:RW.access.update
bf.scandump 3 rFo bloom 1:RW.access.update

# bitmap
bitcount -2 r bitmap 1:RO.access
bitfield -2 wm bitmap 1:RW.access.update.variable_flags
bitfield_ro -2 rF bitmap 1:RO.access
bitop -4 wm bitmap 2:OW.update 3/-1:RO.access
bitpos -3 r bitmap 1:RO.access
getbit 3 rF bitmap 1:RO.access
setbit 4 wm bitmap 1:RW.access.update

# cf
cf.add 3 wmo cuckoo 1:RW.access.update
cf.addnx 3 wmo cuckoo 1:RW.access.update
cf.compact -1 rFo cuckoo 1:RW.access.update
cf.count 3 rFo cuckoo 1:RO.access
cf.debug 2 rFo cuckoo 1:RO.access
cf.del 3 wFo cuckoo 1:RW.access.update
cf.exists 3 rFo cuckoo 1:RO.access
cf.info 2 rFo cuckoo 1:RO.access
cf.insert -4 wmo cuckoo 1:RW.access.update
cf.insertnx -4 wmo cuckoo 1:RW.access.update
cf.loadchunk 4 wmo cuckoo 1:RW.access.update
cf.mexists -3 rFo cuckoo 1:RO.access
cf.reserve -3 wmo fast.cuckoo 1:RW.access.update
cf.scandump 3 rFo cuckoo 1:RW.access.update

# cluster
asking 1 F connection
cluster -2 - -
|addslots -3 aty -
|addslotsrange -4 aty -
|bumpepoch 2 aty -
|cancelslotmigrations 2 aty -
|count-failure-reports 3 alt -
|countkeysinslot 3 t -
|delslots -3 aty -
|delslotsrange -4 aty -
|failover -2 aty -
|flushslots 2 aty -
|forget 3 aty -
|getkeysinslot 4 t -
|getslotmigrations 2 aty -
|help 2 lt -
|info 2 lt -
|keyslot 3 lt -
|links 2 lt -
|meet -4 aty -
|migrateslots -4 aty -
|migration -4 aty -
|myid 2 lt -
|myshardid 2 lt -
|nodes 2 lt -
|replicas 3 alt -
|replicate 3 aty -
|reset -2 ast -
|saveconfig 2 aty -
|set-config-epoch 3 aty -
|setslot -4 atRy -
|shards 2 lt -
|slaves 3 alt -
|slot-stats -4 lt -
|slots 2 lt -
|syncslots -3 aty -
clusterscan -2 r* keyspace 1:not_key
readonly 1 ltF connection
readwrite 1 ltF connection

# cms
cms.incrby -4 wmo cms 1:RW.access.update
cms.info 2 ro fast.cms 1:RO.access
cms.initbydim 4 wmo fast.cms 1:RW.access.update
cms.initbyprob 4 wmo fast.cms 1:RW.access.update
cms.merge -4 wmo cms 1:RW.access.update 2#0,1,1:RO.access
cms.query -3 ro cms 1:RO.access

# connection
auth -2 sltFAB connection
client -2 - -
|caching 3 slt connection
|capa -3 slt connection
|getname 2 slt connection
|getredir 2 slt connection
|help 2 lt connection
|id 2 slt connection
|import-source 3 slt connection
|info 2 slt connection
|kill -3 aslt connection
|list -2 aslt connection
|maint_notifications -3 slt connection
|no-evict 3 aslt connection
|no-touch 3 slt connection
|pause -3 aslt connection
|reply 3 slt connection
|setinfo 4 slt connection
|setname 3 slt connection
|tracking -3 slt connection
|trackinginfo 2 slt connection
|unblock -3 aslt connection
|unpause 2 aslt connection
echo 2 ltF connection
hello -1 sltFAB connection
ping -1 F connection
quit -1 sltFAB connection
reset 1 sltFAB connection
select 2 ltF connection

# ft
ft._aliasaddifnx 3 wmo search
ft._aliasdelifx 2 wo search
ft._alterifnx -6 wmo search
ft._createifnx -5 wmo search
ft._dropifx -1 wo search
ft._dropindexifx -2 wo dangerous.search
ft._list -1 ro admin.search
ft.add -1 wmo search 2:RW.access.update
ft.aggregate -3 ro search
ft.aliasadd 3 wmo search
ft.aliasdel 2 wo search
ft.aliaslist 2 ro search
ft.aliasupdate 3 wmo search
ft.alter -6 wmo search
ft.config -2 ro admin.search
|get -3 ro -
|help -3 ro -
|set -3 wo -
ft.create -5 wmo search
ft.cursor -2 ro search
|del -4 ro -
|gc -2 ro -
|read -4 ro -
ft.del -1 wo search 2:RW.access.update
ft.dictadd -3 wmo search
ft.dictdel -3 wo search
ft.dictdump 2 ro search
ft.drop -1 wo dangerous.search
ft.dropindex -2 wo dangerous.search
ft.explain -3 ro search
ft.explaincli -3 ro search
ft.get -1 ro search 2:RW.access.update
ft.hybrid -7 ro search
ft.info 2 ro search
ft.mget -1 ro search
ft.profile -5 ro search
ft.safeadd -1 wmo search 2:RW.access.update
ft.search -3 ro search
ft.spellcheck -3 ro search
ft.sugadd -4 wmo search 1:RW.access.update
ft.sugdel 3 wo search 1:RW.access.update
ft.sugget -3 ro search 1:RW.access.update
ft.suglen 2 ro search 1:RW.access.update
ft.synadd -1 wmo search
ft.syndump 2 ro search
ft.synupdate -4 wmo search
ft.tagvals 3 ro dangerous.search

# generic
copy -3 wm keyspace 1:RO.access 2:OW.update
del -2 w keyspace 1/-1:RM.delete
dump 2 r keyspace 1:RO.access
exists -2 rF keyspace 1/-1:RO
expire -3 wF keyspace 1:RW.update
expireat -3 wF keyspace 1:RW.update
expiretime 2 rF keyspace 1:RO.access
keys 2 r keyspace.dangerous
migrate -6 wv keyspace.dangerous 3:RW.access.delete keys@-2/-1:RW.access.delete.incomplete
move 3 wF keyspace 1:RW.access.update
object -2 - -
|encoding 3 r keyspace 2:RO
|freq 3 r keyspace 2:RO
|help 2 lt keyspace
|idletime 3 r keyspace 2:RO
|refcount 3 r keyspace 2:RO
persist 2 wF keyspace 1:RW.update
pexpire -3 wF keyspace 1:RW.update
pexpireat -3 wF keyspace 1:RW.update
pexpiretime 2 rF keyspace 1:RO.access
pttl 2 rF keyspace 1:RO.access
randomkey 1 r* keyspace
rename 3 w keyspace 1:RW.access.delete 2:OW.update
renamenx 3 wF keyspace 1:RW.access.delete 2:OW.insert
restore -4 wm keyspace.dangerous 1:OW.update
scan -2 r* keyspace
sort -2 wmv set.sortedset.list.dangerous 1:RO.access ?:RO.access ?:OW.update
sort_ro -2 rv set.sortedset.list.dangerous 1:RO.access ?:RO.access
touch -2 rF keyspace 1/-1:RO
ttl 2 rF keyspace 1:RO.access
type 2 rF keyspace 1:RO
unlink -2 wF keyspace 1/-1:RM.delete
wait 3 b connection
waitaof 4 b connection

# geo
geoadd -5 wm geo 1:RW.update
geodist -4 r geo 1:RO.access
geohash -2 r geo 1:RO.access
geopos -2 r geo 1:RO.access
georadius -6 wmv geo 1:RO.access store@6:OW.update.incomplete storedist@6:OW.update.incomplete
georadius_ro -6 r geo 1:RO.access
georadiusbymember -5 wmv geo 1:RO.access store@5:OW.update.incomplete storedist@5:OW.update.incomplete
georadiusbymember_ro -5 r geo 1:RO.access
geosearch -7 r geo 1:RO.access
geosearchstore -8 wm geo 1:OW.update 2:RO.access

# hash
hdel -3 wF hash 1:RW.delete
hexists 3 rF hash 1:RO
hexpire -6 wF hash 1:RW.update
hexpireat -6 wF hash 1:RW.update
hexpiretime -5 rF hash 1:RO.access
hget 3 rF hash 1:RO.access
hgetall 2 r hash 1:RO.access
hgetdel -5 wF hash 1:RW.access.delete
hgetex -5 wF hash 1:RW.access.update
himport -2 - hash
|discard 3 - hash
|discardall 2 - hash
|prepare -4 m hash
|set -5 wm hash 2:OW.update
hincrby 4 wmF hash 1:RW.access.update
hincrbyfloat 4 wmF hash 1:RW.access.update
hkeys 2 r hash 1:RO.access
hlen 2 rF hash 1:RO
hmget -3 rF hash 1:RO.access
hmset -4 wmF hash 1:RW.update
hpersist -5 wF hash 1:RW.update
hpexpire -6 wF hash 1:RW.update
hpexpireat -6 wF hash 1:RW.update
hpexpiretime -5 rF hash 1:RO.access
hpttl -5 rF hash 1:RO.access
hrandfield -2 r hash 1:RO.access
hscan -3 r hash 1:RO.access
hset -4 wmF hash 1:RW.update
hsetex -6 wmF hash 1:RW.update
hsetnx 4 wmF hash 1:RW.insert
hstrlen 3 rF hash 1:RO
httl -5 rF hash 1:RO.access
hvals 2 r hash 1:RO.access

# hyperloglog
pfadd -2 wmF hyperloglog 1:RW.insert
pfcount -2 rR hyperloglog 1/-1:RW.access
pfdebug 3 wma hyperloglog 2:RW.access
pfmerge -2 wm hyperloglog 1:RW.access.insert 2/-1:RO.access
pfselftest 1 a hyperloglog

# json
json.arrappend -3 wmo json 1:RW.access.update
json.arrindex -4 ro json 1:RO.access
json.arrinsert -5 wmo json 1:RW.access.update
json.arrlen -2 ro json 1:RO.access
json.arrpop -2 wo json 1:RW.access.update
json.arrtrim 5 wo json 1:RW.access.update
json.clear -2 wo json 1:RW.access.update
json.debug -2 rvo json memory@1:RO.access
json.del -2 wo json 1:RW.access.update
json.forget -2 wo json 1:RW.access.update
json.get -2 ro json 1:RO.access
json.merge -4 wmo json 1:RW.access.update
json.mget -3 ro json 1/-2:RO.access
json.mset -4 wmo json 1/-1/3:RW.access.update
json.numincrby 4 wo json 1:RW.access.update
json.nummultby 4 wo json 1:RW.access.update
json.numpowby 4 wo json 1:RW.access.update
json.objkeys -2 ro json 1:RO.access
json.objlen -2 ro json 1:RO.access
json.resp -2 ro json 1:RO.access
json.set -4 wmo json 1:RW.access.update
json.strappend -3 wmo json 1:RW.access.update
json.strlen -2 ro json 1:RO.access
json.toggle 3 wo json 1:RW.access.update
json.type -2 ro json 1:RO.access

# list
blmove 6 wmb list 1:RW.access.delete 2:RW.insert
blmovem -6 wmb list 1:RW.access.delete 2:RW.insert
blmpop -5 wbv list 2#0,1,1:RW.access.delete
blpop -3 wb list 1/-2:RW.access.delete
brpop -3 wb list 1/-2:RW.access.delete
brpoplpush 4 wmb list 1:RW.access.delete 2:RW.insert
lindex 3 r list 1:RO.access
linsert 5 wm list 1:RW.insert
llen 2 rF list 1:RO
lmove 5 wm list 1:RW.access.delete 2:RW.insert
lmovem -5 wm list 1:RW.access.delete 2:RW.insert
lmpop -4 wv list 1#0,1,1:RW.access.delete
lpop -2 wF list 1:RW.access.delete
lpos -3 r list 1:RO.access
lpush -3 wmF list 1:RW.insert
lpushx -3 wmF list 1:RW.insert
lrange 4 r list 1:RO.access
lrem 4 w list 1:RW.delete
lset 4 wm list 1:RW.update
ltrim 4 w list 1:RW.delete
rpop -2 wF list 1:RW.access.delete
rpoplpush 3 wm list 1:RW.access.delete 2:RW.insert
rpush -3 wmF list 1:RW.insert
rpushx -3 wmF list 1:RW.insert

# pubsub
psubscribe -2 mpslt -
publish 3 pltFR -
pubsub -2 - -
|channels -2 plt -
|help 2 lt -
|numpat 2 plt -
|numsub -2 plt -
|shardchannels -2 plt -
|shardnumsub -2 plt -
punsubscribe -1 pslt -
spublish 3 pltFR - 1:not_key
ssubscribe -2 mpslt - 1/-1:not_key
subscribe -2 mpslt -
sunsubscribe -1 pslt - 1/-1:not_key
unsubscribe -1 pslt -

# scripting
eval -3 stMRnv scripting 2#0,1,1:RW.access.update
eval_ro -3 rstMnv scripting 2#0,1,1:RO.access
evalsha -3 stMRnv scripting 2#0,1,1:RW.access.update
evalsha_ro -3 rstMnv scripting 2#0,1,1:RO.access
fcall -3 stMRnv scripting 2#0,1,1:RW.access.update
fcall_ro -3 rstMnv scripting 2#0,1,1:RO.access
function -2 - -
|delete 3 ws scripting
|dump 2 s scripting
|flush -2 ws scripting
|help 2 lt scripting
|kill 2 sB scripting
|list -2 s scripting
|load -3 wms scripting
|restore -3 wms scripting
|stats 2 sB scripting
script -2 - -
|debug 3 s scripting
|exists -3 s scripting
|flush -2 s scripting
|help 2 lt scripting
|kill 2 sB scripting
|load 3 st scripting
|show 3 s scripting

# search
search.clusterinfo -1 rslo search
search.clusterrefresh -1 rso search
search.clusterset -1 rslo search

# server
acl -2 - -
|cat -2 slt -
|deluser -3 aslt -
|dryrun -4 aslt -
|genpass -2 slt -
|getuser 3 aslt -
|help 2 lt -
|list 2 aslt -
|load 2 aslt -
|log -2 aslt -
|save 2 aslt -
|setuser -3 aslt -
|users 2 aslt -
|whoami 2 slt -
backup 2 - -
|abort 2 as -
|cleanup 2 as -
|help 2 lt -
|list 2 at -
|seal 2 as -
|start 2 as -
|status 2 at -
bgrewriteaof 1 asy -
bgsave -1 asy -
command -1 lt connection
|count 2 lt connection
|docs -2 lt connection
|getkeys -3 lt connection
|getkeysandflags -3 lt connection
|help 2 lt connection
|info -2 lt connection
|list -2 lt connection
commandlog -2 - -
|get -4 alt -
|help 2 lt -
|len 3 alt -
|reset -3 alt -
config -2 - -
|get -3 aslt -
|help 2 lt -
|resetstat 2 aslt -
|rewrite 2 aslt -
|set -4 aslt -
dbsize 1 rF keyspace
debug -2 aslt -
failover -1 ast -
flushall -1 w keyspace.dangerous
flushdb -1 w keyspace.dangerous
hotkeys -2 - -
|get 2 as -
|help 2 lt -
|reset 2 as -
|start -2 as -
|stop 2 as -
info -1 lt dangerous
lastsave 1 ltF admin.dangerous
latency -2 - -
|doctor 2 aslt -
|graph 3 aslt -
|help 2 lt -
|histogram -2 aslt -
|history 3 aslt -
|latest 2 aslt -
|reset -2 aslt -
lolwut -1 rF -
memory -2 - -
|doctor 2 - -
|help 2 lt -
|malloc-stats 2 - -
|purge 2 - -
|stats 2 - -
|usage -3 r - 2:RO
module -2 - -
|help 2 lt -
|list 2 as -
|load -3 asy -
|loadex -3 asy -
|unload 3 asy -
monitor 1 aslt -
psync -3 asyT -
replconf -1 asltB -
replicaof 3 asty -
restore-asking -4 wmk keyspace.dangerous 1:OW.update
role 1 sltF admin.dangerous
save 1 asyT -
shutdown -1 asltTB -
slaveof 3 asty -
slowlog -2 - -
|get -2 alt -
|help 2 lt -
|len 2 alt -
|reset 2 alt -
swapdb 3 wF keyspace.dangerous
sync 1 asyT -
time 1 ltF -
trimslots -5 w keyspace.dangerous

# set
sadd -3 wmF set 1:RW.insert
scard 2 rF set 1:RO
sdiff -2 r set 1/-1:RO.access
sdiffcard -3 rv set 1#0,1,1:RO.access
sdiffstore -3 wm set 1:OW.update 2/-1:RO.access
sinter -2 r set 1/-1:RO.access
sintercard -3 rv set 1#0,1,1:RO.access
sinterstore -3 wm set 1:OW.update 2/-1:RO.access
sismember 3 rF set 1:RO
smembers 2 r set 1:RO.access
smismember -3 rF set 1:RO.access
smove 4 wF set 1:RW.access.delete 2:RW.insert
spop -2 wF set 1:RW.access.delete
srandmember -2 r set 1:RO.access
srem -3 wF set 1:RW.delete
sscan -3 r set 1:RO.access
sunion -2 r set 1/-1:RO.access
sunioncard -3 rv set 1#0,1,1:RO.access
sunionstore -3 wm set 1:OW.update 2/-1:RO.access

# sorted-set
bzmpop -5 wbv sortedset 2#0,1,1:RW.access.delete
bzpopmax -3 wbF sortedset 1/-2:RW.access.delete
bzpopmin -3 wbF sortedset 1/-2:RW.access.delete
zadd -4 wmF sortedset 1:RW.update
zcard 2 rF sortedset 1:RO
zcount 4 rF sortedset 1:RO.access
zdiff -3 rv sortedset 1#0,1,1:RO.access
zdiffstore -4 wmv sortedset 1:OW.update 2#0,1,1:RO.access
zincrby 4 wmF sortedset 1:RW.access.update
zinter -3 rv sortedset 1#0,1,1:RO.access
zintercard -3 rv sortedset 1#0,1,1:RO.access
zinterstore -4 wmv sortedset 1:OW.update 2#0,1,1:RO.access
zlexcount 4 rF sortedset 1:RO.access
zmpop -4 wv sortedset 1#0,1,1:RW.access.delete
zmscore -3 rF sortedset 1:RO.access
zpopmax -2 wF sortedset 1:RW.access.delete
zpopmin -2 wF sortedset 1:RW.access.delete
zrandmember -2 r sortedset 1:RO.access
zrange -4 r sortedset 1:RO.access
zrangebylex -4 r sortedset 1:RO.access
zrangebyscore -4 r sortedset 1:RO.access
zrangestore -5 wm sortedset 1:OW.update 2:RO.access
zrank -3 rF sortedset 1:RO.access
zrem -3 wF sortedset 1:RW.delete
zremrangebylex 4 w sortedset 1:RW.delete
zremrangebyrank 4 w sortedset 1:RW.delete
zremrangebyscore 4 w sortedset 1:RW.delete
zrevrange -4 r sortedset 1:RO.access
zrevrangebylex -4 r sortedset 1:RO.access
zrevrangebyscore -4 r sortedset 1:RO.access
zrevrank -3 rF sortedset 1:RO.access
zscan -3 r sortedset 1:RO.access
zscore 3 rF sortedset 1:RO.access
zunion -3 rv sortedset 1#0,1,1:RO.access
zunionstore -4 wmv sortedset 1:OW.update 2#0,1,1:RO.access

# stream
xack -4 wF stream 1:RW.update
xackdel -6 wF stream 1:RW.update.delete
xadd -5 wmF stream 1:RW.update
xautoclaim -6 wF stream 1:RW.delete
xcfgset -2 wF stream 1:RW.update
xclaim -6 wF stream 1:RW.update
xdel -3 wF stream 1:RW.delete
xdelex -5 wF stream 1:RW.delete
xgroup -2 - -
|create -5 wm stream 2:RW.insert
|createconsumer 5 wm stream 2:RW.insert
|delconsumer 5 w stream 2:RW.delete
|destroy 4 w stream 2:RW.delete
|help 2 lt stream
|setid -5 w stream 2:RW.update
xidmprecord 5 wmF stream 1:RW.update
xinfo -2 - -
|consumers 4 r stream 2:RO.access
|groups 3 r stream 2:RO.access
|help 2 lt stream
|stream -3 r stream 2:RO.access
xlen 2 rF stream 1:RO
xnack -7 wF stream 1:RW.update
xpending -3 r stream 1:RO.access
xrange -4 r stream 1:RO.access
xread -4 rbv stream streams@1/-1/1/2:RO.access.incomplete
xreadgroup -7 wbv stream streams@4/-1/1/2:RO.access.incomplete
xrevrange -4 r stream 1:RO.access
xsetid -3 wmF stream 1:RW.update
xtrim -4 w stream 1:RW.delete

# string
append 3 wmF string 1:RW.insert
decr 2 wmF string 1:RW.access.update
decrby 3 wmF string 1:RW.access.update
delex -2 wF string 1:RW.delete.variable_flags
delifeq 3 w string 1:RM.access.delete
digest 2 rF string 1:RO.access
get 2 rF string 1:RO.access
getdel 2 wF string 1:RW.access.delete
getex -2 wF string 1:RW.access.update
getrange 4 r string 1:RO.access
getset 3 wmF string 1:RW.access.update
incr 2 wmF string 1:RW.access.update
incrby 3 wmF string 1:RW.access.update
incrbyfloat 3 wmF string 1:RW.access.update
increx -2 wmF string 1:RW.access.update
lcs -3 r string 1/1:RO.access
mget -2 rF string 1/-1:RO.access
mset -3 wm string 1/-1/2:OW.update
msetex -4 wmv string 1#0,1,2:OW.update
msetnx -3 wm string 1/-1/2:OW.insert
psetex 4 wm string 1:OW.update
set -3 wm string 1:RW.access.update.variable_flags
setex 4 wm string 1:OW.update
setnx 3 wmF string 1:OW.insert
setrange 4 wm string 1:RW.update
strlen 2 rF string 1:RO
substr 4 r string 1:RO.access

# tdigest
tdigest.add -3 wmo tdigest 1:RW.access.update
tdigest.byrank -3 ro fast.tdigest 1:RO.access
tdigest.byrevrank -3 ro fast.tdigest 1:RO.access
tdigest.cdf -3 ro fast.tdigest 1:RO.access
tdigest.create -2 wmo fast.tdigest 1:RW.access.update
tdigest.info 2 ro fast.tdigest 1:RO.access
tdigest.max 2 ro fast.tdigest 1:RO.access
tdigest.merge -4 wmvo tdigest 1:RW.access.update 2#0,1,1:RO.access
tdigest.min 2 ro fast.tdigest 1:RO.access
tdigest.quantile -3 ro fast.tdigest 1:RO.access
tdigest.rank -3 ro fast.tdigest 1:RO.access
tdigest.reset 2 wmo fast.tdigest 1:RW.access.update
tdigest.revrank -3 ro fast.tdigest 1:RO.access
tdigest.trimmed_mean 4 ro tdigest 1:RO.access

# timeseries
timeseries.clusterset -1 rso -
timeseries.refreshcluster -1 rso -

# topk
topk.add -3 wmo topk 1:RW.access.update
topk.count -3 ro topk 1:RO.access
topk.incrby -4 wmo topk 1:RW.access.update
topk.info 2 ro fast.topk 1:RO.access
topk.list -2 ro topk 1:RO.access
topk.query -3 ro topk 1:RO.access
topk.reserve -3 wmo fast.topk 1:RW.access.update

# transactions
discard 1 sltFB transaction
exec 1 sltS transaction
multi 1 sltFB transaction
unwatch 1 sltFB transaction
watch -2 sltFB transaction 1/-1:RO

# ts
ts.add -4 wmo timeseries 1:RW.insert
ts.alter -2 wmo timeseries 1:RW.access.update
ts.create -2 wmo fast.timeseries 1:RW.insert
ts.createrule -5 wFo timeseries 1:RO.access 2:RW.access.update
ts.decrby -3 wmo timeseries 1:RW.access.update
ts.del 4 wo timeseries 1:RW.access.update
ts.deleterule 3 wo fast.timeseries 1:RO.access 2:RW.access.update
ts.get -2 ro fast.timeseries 1:RO.access
ts.incrby -3 wmo timeseries 1:RW.access.update
ts.info -2 ro fast.timeseries 1:RO.access
ts.madd -4 wmo timeseries 1/-1/3:RW.insert
ts.mget -3 ro timeseries
ts.mrange -4 ro timeseries
ts.mrevrange -4 ro timeseries
ts.nrange -5 rvo timeseries 1#0,1,1:RO.access
ts.nrevrange -5 rvo timeseries 1#0,1,1:RO.access
ts.queryindex -2 ro timeseries
ts.querylabels -2 ro timeseries
ts.range -4 ro timeseries 1:RO.access
ts.read -3 ro timeseries 1:RO.access
ts.revrange -4 ro timeseries 1:RO.access

# vector-set
vadd -5 wmo - 1:RW.access.update
vcard 2 rFo - 1:RW.access.update
vdim 2 rFo - 1:RW.access.update
vemb -3 rFo - 1:RW.access.update
vgetattr 3 rFo - 1:RW.access.update
vinfo 2 rFo - 1:RW.access.update
vismember 3 ro - 1:RW.access.update
vlinks -3 rFo - 1:RW.access.update
vrandmember -2 ro - 1:RW.access.update
vrange -4 ro - 1:RW.access.update
vrem 3 wo - 1:RW.access.update
vsetattr 4 wFo - 1:RW.access.update
vsim -4 ro - 1:RW.access.update
`
