/** The wire protocol of ZooKeeper, as far as a client of 3.6 and later needs it. */
export { ERROR, errorText } from './errors.ts'
export { FrameScanner } from './frame-scanner.ts'
export { JuteReader } from './jute.ts'
export {
  ACL,
  type Acl,
  ADD_TREE_WATCH,
  CREATE,
  CREATE_MODE,
  type CreateRequest,
  DELETE,
  EXISTS,
  encodeRequest,
  GET_CHILDREN,
  GET_DATA,
  MULTI,
  type Operation,
  REMOVE_WATCHES,
  SET_DATA,
  type Step,
  type StepResult,
  SYNC,
} from './operations.ts'
export {
  EVENT_TYPE,
  encodeAuth,
  encodeCloseSession,
  encodeConnect,
  encodePing,
  type ReplyHeader,
  readConnected,
  readEvent,
  readReplyHeader,
  type Session,
  type Stat,
  type WatchEvent,
  XID,
} from './records.ts'
