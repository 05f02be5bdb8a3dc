/** The embedded S3 store: files of this machine. */
export { FileStore, type FileStoreOptions } from './file-store.ts'
