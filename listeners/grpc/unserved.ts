/** Methods of Dapr and Layotto that are not served, each with where to go instead: most have a trusted protocol. */

const REDIS = 'state has trusted protocols: point a Redis or MySQL client at the redis or mysql listener'
const FILES = 'files have a trusted protocol: point an S3 client at the s3 listener'
const BINDINGS = 'bindings are not served: use the protocol of the service itself, or a pub/sub component'
const ACTORS = 'actors are not served: they are no matter of portability'
const CRYPTO = 'cryptography is not served; keys can be read from a secrets component'
const JOBS = 'jobs are not served: use a delayed message of a pub/sub component'
const WORKFLOWS = 'workflows are not served: they are no matter of portability'
const MODELS = 'conversations are not served: models share a protocol, call theirs directly'
const SHUTDOWN = 'the sidecar ends by a signal, not by a call'

/** Service, then method, to the reason. */
export const UNSERVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'dapr.proto.runtime.v1.Dapr': {
    GetState: REDIS,
    GetBulkState: REDIS,
    SaveState: REDIS,
    QueryStateAlpha1: REDIS,
    DeleteState: REDIS,
    DeleteBulkState: REDIS,
    ExecuteStateTransaction: REDIS,
    InvokeBinding: BINDINGS,
    RegisterActorTimer: ACTORS,
    UnregisterActorTimer: ACTORS,
    RegisterActorReminder: ACTORS,
    UnregisterActorReminder: ACTORS,
    UnregisterActorRemindersByType: ACTORS,
    ListActorReminders: ACTORS,
    GetActorReminder: ACTORS,
    GetActorState: ACTORS,
    ExecuteActorStateTransaction: ACTORS,
    InvokeActor: ACTORS,
    EncryptAlpha1: CRYPTO,
    DecryptAlpha1: CRYPTO,
    SubtleGetKeyAlpha1: CRYPTO,
    SubtleEncryptAlpha1: CRYPTO,
    SubtleDecryptAlpha1: CRYPTO,
    SubtleWrapKeyAlpha1: CRYPTO,
    SubtleUnwrapKeyAlpha1: CRYPTO,
    SubtleSignAlpha1: CRYPTO,
    SubtleVerifyAlpha1: CRYPTO,
    StartWorkflowAlpha1: WORKFLOWS,
    GetWorkflowAlpha1: WORKFLOWS,
    PurgeWorkflowAlpha1: WORKFLOWS,
    TerminateWorkflowAlpha1: WORKFLOWS,
    PauseWorkflowAlpha1: WORKFLOWS,
    ResumeWorkflowAlpha1: WORKFLOWS,
    RaiseEventWorkflowAlpha1: WORKFLOWS,
    StartWorkflowBeta1: WORKFLOWS,
    GetWorkflowBeta1: WORKFLOWS,
    PurgeWorkflowBeta1: WORKFLOWS,
    TerminateWorkflowBeta1: WORKFLOWS,
    PauseWorkflowBeta1: WORKFLOWS,
    ResumeWorkflowBeta1: WORKFLOWS,
    RaiseEventWorkflowBeta1: WORKFLOWS,
    ScheduleJob: JOBS,
    ScheduleJobAlpha1: JOBS,
    GetJob: JOBS,
    GetJobAlpha1: JOBS,
    DeleteJob: JOBS,
    DeleteJobAlpha1: JOBS,
    DeleteJobsByPrefix: JOBS,
    DeleteJobsByPrefixAlpha1: JOBS,
    ListJobs: JOBS,
    ListJobsAlpha1: JOBS,
    ConverseAlpha1: MODELS,
    ConverseAlpha2: MODELS,
    Shutdown: SHUTDOWN,
  },
  'spec.proto.runtime.v1.Runtime': {
    GetState: REDIS,
    GetBulkState: REDIS,
    SaveState: REDIS,
    DeleteState: REDIS,
    DeleteBulkState: REDIS,
    ExecuteStateTransaction: REDIS,
    GetFile: FILES,
    PutFile: FILES,
    ListFile: FILES,
    DelFile: FILES,
    GetFileMeta: FILES,
    InvokeBinding: BINDINGS,
  },
}
