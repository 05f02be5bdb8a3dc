/** The errors of S3: their codes, what HTTP makes of them and what they say unless there is more to tell. */

/** Code, HTTP status, default message. */
const ROWS = [
  ['AccessControlListNotSupported', 400, 'The bucket does not allow ACLs'],
  ['AccessDenied', 403, 'Access Denied'],
  [
    'AccountProblem',
    403,
    'There is a problem with your account that prevents the operation from completing successfully.',
  ],
  ['AllAccessDisabled', 403, 'All access to this resource has been disabled.'],
  ['AmbiguousGrantByEmailAddress', 400, 'The email address you provided is associated with more than one account.'],
  ['AuthorizationHeaderMalformed', 400, 'The authorization header that you provided is not valid.'],
  ['AuthorizationQueryParametersError', 400, 'The authorization query parameters that you provided are not valid.'],
  ['BadDigest', 400, 'The Content-MD5 or checksum value that you specified did not match what the server received.'],
  ['BadRequest', 400, 'Bad Request'],
  [
    'BucketAlreadyExists',
    409,
    'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
  ],
  [
    'BucketAlreadyOwnedByYou',
    409,
    'Your previous request to create the named bucket succeeded and you already own it.',
  ],
  ['BucketNotEmpty', 409, 'The bucket you tried to delete is not empty.'],
  ['ConditionalRequestConflict', 409, 'A conflicting operation occurred during the request. Try again.'],
  ['ContentSHA256Mismatch', 400, 'The provided x-amz-content-sha256 header does not match what was computed.'],
  ['CredentialsNotSupported', 400, 'This request does not support credentials.'],
  ['CrossLocationLoggingProhibited', 403, 'Cross-location logging is not allowed.'],
  ['EntityTooLarge', 400, 'Your proposed upload exceeds the maximum allowed size.'],
  ['EntityTooSmall', 400, 'Your proposed upload is smaller than the minimum allowed size.'],
  ['ExpiredToken', 400, 'The provided token has expired.'],
  [
    'IllegalVersioningConfigurationException',
    400,
    'The versioning configuration specified in the request is not valid.',
  ],
  ['IncompleteBody', 400, 'You did not provide the number of bytes specified by the Content-Length HTTP header.'],
  ['IncorrectNumberOfFilesInPostRequest', 400, 'POST requires exactly one file upload per request.'],
  ['InlineDataTooLarge', 400, 'The inline data exceeds the maximum allowed size.'],
  ['InternalError', 500, 'We encountered an internal error. Please try again.'],
  // Not of AWS, which has no such state.
  ['InsufficientStorage', 507, 'There is no room left on the disk of the store.'],
  ['InvalidAccessKeyId', 403, 'The AWS Access Key Id you provided does not exist in our records.'],
  ['InvalidArgument', 400, 'Invalid Argument'],
  ['InvalidBucketName', 400, 'The specified bucket is not valid.'],
  ['InvalidBucketState', 409, 'The request is not valid for the current state of the bucket.'],
  ['InvalidChunkSizeError', 403, 'Only the last chunk is allowed to have a size less than 8192 bytes.'],
  ['InvalidDigest', 400, 'The Content-MD5 or checksum value that you specified is not valid.'],
  [
    'InvalidEncryptionAlgorithmError',
    400,
    'The encryption request that you specified is not valid. The valid value is AES256.',
  ],
  ['InvalidLocationConstraint', 400, 'The specified location constraint is not valid.'],
  ['InvalidObjectState', 403, "The operation is not valid for the object's storage class."],
  [
    'InvalidPart',
    400,
    "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified entity tag might not have matched the part's entity tag.",
  ],
  ['InvalidPartNumber', 416, 'The requested partnumber is not satisfiable'],
  [
    'InvalidPartOrder',
    400,
    'The list of parts was not in ascending order. The parts list must be specified in order by part number.',
  ],
  [
    'InvalidPolicyDocument',
    400,
    'The content of the form does not meet the conditions specified in the policy document.',
  ],
  ['InvalidRange', 416, 'The requested range is not satisfiable'],
  ['InvalidRequest', 400, 'Invalid Request'],
  ['InvalidSecurity', 403, 'The provided security credentials are not valid.'],
  ['InvalidStorageClass', 400, 'The storage class you specified is not valid.'],
  ['InvalidTag', 400, 'The tag provided was not a valid tag.'],
  ['InvalidTargetBucketForLogging', 400, 'The target bucket for logging does not exist or is not owned by you.'],
  ['InvalidToken', 400, 'The provided token is malformed or otherwise not valid.'],
  ['InvalidURI', 400, "Couldn't parse the specified URI."],
  ['KeyTooLongError', 400, 'Your key is too long.'],
  [
    'MalformedACLError',
    400,
    'The XML you provided was not well-formed or did not validate against our published schema.',
  ],
  ['MalformedPOSTRequest', 400, 'The body of your POST request is not well-formed multipart/form-data.'],
  [
    'MalformedTrailerError',
    400,
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  ],
  ['MalformedXML', 400, 'The XML you provided was not well-formed or did not validate against our published schema.'],
  ['MaxMessageLengthExceeded', 400, 'Your request was too large.'],
  ['MaxPostPreDataLengthExceededError', 400, 'Your POST request fields preceding the upload file were too large.'],
  ['MetadataTooLarge', 400, 'Your metadata headers exceed the maximum allowed metadata size.'],
  ['MethodNotAllowed', 405, 'The specified method is not allowed against this resource.'],
  ['MissingAuthenticationToken', 403, 'The request was not signed.'],
  ['MissingContentLength', 411, 'You must provide the Content-Length HTTP header.'],
  ['MissingRequestBodyError', 400, 'Request body is empty.'],
  ['MissingSecurityHeader', 400, 'Your request is missing a required header.'],
  ['NoSuchBucket', 404, 'The specified bucket does not exist'],
  ['NoSuchBucketPolicy', 404, 'The specified bucket does not have a bucket policy.'],
  ['NoSuchCORSConfiguration', 404, 'The CORS configuration does not exist'],
  ['NoSuchKey', 404, 'The specified key does not exist.'],
  ['NoSuchLifecycleConfiguration', 404, 'The lifecycle configuration does not exist.'],
  ['NoSuchObjectLockConfiguration', 404, 'The specified object does not have an ObjectLock configuration.'],
  ['NoSuchPublicAccessBlockConfiguration', 404, 'The public access block configuration was not found'],
  ['NoSuchTagSet', 404, 'The TagSet does not exist'],
  [
    'NoSuchUpload',
    404,
    'The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have been aborted or completed.',
  ],
  ['NoSuchVersion', 404, 'The specified version does not exist.'],
  ['NoSuchWebsiteConfiguration', 404, 'The specified bucket does not have a website configuration'],
  ['NotDeviceOwnerError', 400, 'The device that generated the token is not owned by the authenticated user.'],
  ['NotImplemented', 501, 'A header you provided implies functionality that is not implemented.'],
  ['NotModified', 304, 'Not Modified'],
  ['ObjectLockConfigurationNotFoundError', 404, 'Object Lock configuration does not exist for this bucket'],
  [
    'OperationAborted',
    409,
    'A conflicting conditional operation is currently in progress against this resource. Try again.',
  ],
  ['OwnershipControlsNotFoundError', 404, 'The bucket ownership controls were not found'],
  [
    'PermanentRedirect',
    301,
    'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
  ],
  ['PreconditionFailed', 412, 'At least one of the pre-conditions you specified did not hold'],
  [
    'Redirect',
    307,
    'Temporary redirect. You are being redirected to the bucket while the DNS server is being updated.',
  ],
  ['ReplicationConfigurationNotFoundError', 404, 'The replication configuration was not found'],
  ['RequestHeaderSectionTooLarge', 400, 'Your request header section exceeds the maximum allowed size.'],
  ['RequestIsNotMultiPartContent', 412, 'Bucket POST must be of the enclosure-type multipart/form-data.'],
  ['RequestTimeTooSkewed', 403, 'The difference between the request time and the current time is too large.'],
  [
    'RequestTimeout',
    400,
    'Your socket connection to the server was not read from or written to within the timeout period.',
  ],
  ['RestoreAlreadyInProgress', 409, 'The object restore is already in progress.'],
  ['ServerSideEncryptionConfigurationNotFoundError', 404, 'The server side encryption configuration was not found'],
  ['ServiceUnavailable', 503, 'Service is unable to handle request.'],
  [
    'SignatureDoesNotMatch',
    403,
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  ],
  ['SlowDown', 503, 'Please reduce your request rate.'],
  ['TemporaryRedirect', 307, 'You are being redirected to the bucket while the DNS server is being updated.'],
  ['TokenRefreshRequired', 400, 'The provided token must be refreshed.'],
  ['TooManyBuckets', 400, 'You have attempted to create more buckets than are allowed.'],
  ['UnexpectedContent', 400, 'This request contains unsupported content.'],
  ['UnresolvableGrantByEmailAddress', 400, 'The email address you provided does not match any account on record.'],
  [
    'UserKeyMustBeSpecified',
    400,
    'The bucket POST must contain the specified field name. If it is specified, check the order of the fields.',
  ],
  ['XAmzContentSHA256Mismatch', 400, 'The provided x-amz-content-sha256 header does not match what was computed.'],
] as const

export type S3ErrorCode = (typeof ROWS)[number][0]

interface ErrorFacts {
  /** Of HTTP. */
  readonly status: number
  /** What it says unless there is more to tell. */
  readonly message: string
}

/** What is known of each code; backends may have others. */
export const S3_ERRORS: ReadonlyMap<string, ErrorFacts> = new Map(
  ROWS.map(([code, status, message]) => [code, { status, message }]),
)

/** A request that is refused, in the words of S3: it becomes an `<Error>` document; the connection may go on. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: S3ErrorCode
  readonly status: number
  /** Further elements of the document, such as `StringToSign`: name to text. Never a secret. */
  readonly fields: Readonly<Record<string, string>>

  constructor(code: S3ErrorCode, message?: string, fields: Readonly<Record<string, string>> = {}) {
    const facts = S3_ERRORS.get(code)!
    super(message ?? facts.message)
    this.code = code
    this.status = facts.status
    this.fields = fields
  }
}
