/**
 * What the words of a statement mean, as a small automaton. A line without indentation is a state, with what to do when
 * a word has no line there; the others are words (alternatives joined by `|`) and what to do about them:
 *
 *     =KIND   the statement is of this StatementKind       %FORM    a SET of this SetForm
 *     +FLAG   it has this StatementFlag                    >state   the next state; `body` unless given
 *
 * `stay` stays, `again` goes to the next state and looks there. Words behind a dot or `@`, quoted names and functions
 * are not looked up. `body` is where most statements spend their time: whatever is not listed there costs nothing.
 */
export const GRAMMAR = `
body  stay
  into                            >into
  for                             >for
  lock                            >lock
  next|previous                   >sequence
  identified                      +PASSWORD
  sql_calc_found_rows             +CALC_FOUND_ROWS

start  =OTHER
  select                          =SELECT
  with                            =WITH
  table                           =TABLE
  values                          =VALUES
  insert                          =INSERT
  replace                         =REPLACE
  update                          =UPDATE
  delete                          =DELETE
  load                            =LOAD_DATA >load
  call                            =CALL
  do                              =DO
  explain|describe|desc           =EXPLAIN >explain
  analyze                         =ADMIN >analyze
  show                            =SHOW >show
  get                             =GET_DIAGNOSTICS +WARNINGS_READ
  set                             =SET >set
  use                             =USE >rest
  begin                           =BEGIN >begin
  start                           =ADMIN >start-what
  commit                          =COMMIT >end-of-transaction
  rollback                        =ROLLBACK >end-of-transaction
  savepoint                       =SAVEPOINT >rest
  release                         =RELEASE_SAVEPOINT >rest
  xa                              =XA >rest
  prepare                         =PREPARE +TEXT_PREPARE >rest
  execute                         =EXECUTE +TEXT_PREPARE >rest
  deallocate                      =DEALLOCATE +TEXT_PREPARE >rest
  lock                            =LOCK_TABLES +TABLE_LOCK >lock-what
  unlock                          =UNLOCK_TABLES >unlock-what
  flush                           =FLUSH >flush
  handler                         =HANDLER_READ +HANDLER >handler
  kill                            =KILL +CONNECTION_ID >kill
  create|alter                    =DDL >create
  drop                            =DDL >drop
  rename                          =DDL >rename
  truncate                        =DDL >rest
  grant|revoke                    =ACCOUNT >account
  checksum|check|repair|optimize  =ADMIN >rest
  change                          =ADMIN +PASSWORD >rest
  cache|purge|reset|stop          =ADMIN >rest
  install|uninstall|binlog|clone  =ADMIN >rest
  import|signal|resignal|help     =ADMIN >rest
  shutdown|restart                =ADMIN +DISCONNECTS >rest
  backup                          =ADMIN +TABLE_LOCK >rest
  if|case|loop|while|repeat|for   =COMPOUND
  declare                         =COMPOUND

rest  stay

into  again
  outfile|dumpfile                +INTO_FILE

for  again
  update|share                    +LOCKING_READ

lock  again
  in                              +LOCKING_READ

sequence  again
  value                           +SERVER_LOCAL

load  stay
  local                           +LOCAL_INFILE
  into                            >load-body

load-body  stay

explain  stay
  connection                      +CONNECTION_ID >rest
  into                            >into
  select|with|table|values        >body
  insert|replace|update|delete    +SERVER_LOCAL

analyze  stay
  no_write_to_binlog|local|table|tables  >rest
  select|with|values              =EXPLAIN
  insert|replace|update|delete    =OTHER

show  stay
  warnings|errors                 =SHOW_WARNINGS +WARNINGS_READ >rest
  tables|columns|fields|index     =SHOW_SCHEMA >rest
  indexes|keys|databases|schemas  =SHOW_SCHEMA >rest
  create|table|triggers|events    =SHOW_SCHEMA >rest
  collation|character|charset     =SHOW_SCHEMA >rest
  grants|privileges|engines       =SHOW_SCHEMA >rest
  procedure|function              =SHOW_SCHEMA >rest
  open|status|variables|engine    >rest
  for                             +CONNECTION_ID >rest

set  %SESSION >set-name
  global                          %GLOBAL >set-global
  session|local                   >set-session
  persist|persist_only            %PERSIST >set-global
  names|character|charset         %NAMES >set-value
  transaction                     %TRANSACTION_ONCE >rest
  password                        %PASSWORD +PASSWORD >set-value
  role                            %ROLE >rest
  default                         >set-default
  resource                        %RESOURCE_GROUP >rest
  statement                       %STATEMENT >set-statement

set-session  %SESSION >set-name
  transaction                     %TRANSACTION_SESSION >rest

set-global  >set-name
  transaction                     >rest

set-default  %SESSION >set-name
  role                            %DEFAULT_ROLE >rest

set-at  %SESSION %UNSCOPED >set-name
  session|local                   %SESSION >set-name
  global                          %GLOBAL >set-name
  persist|persist_only            %PERSIST >set-name
  transaction_isolation           %TRANSACTION_ONCE >set-name
  transaction_read_only           %TRANSACTION_ONCE >set-name
  tx_isolation|tx_read_only       %TRANSACTION_ONCE >set-name

set-name  stay

set-value  stay

set-statement  stay
  for                             >start

begin  =COMPOUND
  work                            >rest

start-what  >rest
  transaction                     =START_TRANSACTION >start-transaction

start-transaction  stay
  only                            +READ_ONLY_TRANSACTION

end-of-transaction  stay
  to                              =ROLLBACK_TO_SAVEPOINT >rest
  no                              >end-of-transaction-no
  release                         +DISCONNECTS >rest

end-of-transaction-no  >end-of-transaction

lock-what  >rest
  instance                        =LOCK_INSTANCE >rest

unlock-what  >rest
  instance                        =UNLOCK_INSTANCE >rest

flush  stay
  privileges|user_resources       =ACCOUNT >rest
  with                            >flush-with
  for                             +TABLE_LOCK >rest

flush-with  >flush
  read                            +TABLE_LOCK >rest

handler  stay
  open                            =HANDLER_OPEN >rest
  close                           =HANDLER_CLOSE >rest
  read                            >rest

kill  stay
  query                           =KILL_QUERY >kill
  user|id                         >rest

create  stay
  temporary                       =CREATE_TEMPORARY +TEMPORARY_TABLE
  procedure|function|trigger      =ROUTINE
  event|package                   =ROUTINE
  user|role                       =ACCOUNT >account
  table|view|database|schema      >body
  index|sequence|server           >body
  tablespace|instance|logfile     >body
  unique|fulltext|spatial         >body

drop  >rest
  temporary                       =DROP_TEMPORARY +TEMPORARY_TABLE >rest
  procedure|function|trigger      >rest
  user|role                       =ACCOUNT >rest
  prepare                         =DEALLOCATE +TEXT_PREPARE >rest

rename  >rest
  user                            =ACCOUNT >rest

account  stay
  identified                      +PASSWORD >rest
`

/**
 * Words that may stand before a parenthesis or a sign without being a function or an operand; in a digest a blank
 * comes between.
 */
export const CLAUSE_WORDS = `
  add after all alter and any array as asc against before between by case change check column columns constraint
  cross default delayed delete desc distinct distinctrow div do else end escape except exists explain first for force
  foreign from fulltext group having high_priority ignore in include index inner into intersect interval is join key
  keys lateral like limit low_priority minus mod modify natural nested not nowait of offset on or order outer over
  partition path primary procedure quick range recursive references regexp rename replace returning rlike rollup row
  rows select separator set share show skip some sounds spatial sql_big_result sql_buffer_result sql_cache
  sql_calc_found_rows sql_no_cache sql_small_result start straight_join table tables temporary then to union unique
  update use using value values view when where window with xor
`

/** Words whose value is written down: in a digest they are literals where one may stand. */
export const LITERAL_WORDS = 'null true false'

/** Words that may touch a quote, beside clauses and functions: in `date'2020-01-01'` no quote is misplaced. */
export const OTHER_WORDS = `
  collate n b binary comment engine identified format year date time timestamp open close read locate on off fields
  lines terminated enclosed escaped starting infile outfile dumpfile password and xid work
`
