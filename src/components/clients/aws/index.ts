/** A client of AWS's services that speak JSON: signed requests, and credentials wherever they are. */
export { AwsClient, type AwsClientOptions, AwsFailure } from './client.ts'
export { awsCredentials, CredentialChain, type Credentials } from './credentials.ts'
