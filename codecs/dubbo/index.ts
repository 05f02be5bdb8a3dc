/** Dubbo's protocol, version 2, as far as it goes without knowing what bodies say. */
export { encodeHeartbeat, encodeHeartbeatAnswer, isReadOnly } from './events.ts'
export { DubboScanner } from './frame-scanner.ts'
export { type DubboHeader, encodeFrame, HEADER_BYTES, HESSIAN2, STATUS } from './header.ts'
