/**
 * The places where AWS keeps credentials, read by its own package, which is loaded when it is first asked. Each time they
 * are read from their place: how long they are kept is not for that package to say.
 */
import { loadCredentialProviders } from './aws-sdk.ts'
import type { Credentials } from './credentials.ts'
import type { S3BackendOptions } from './options.ts'

type ProviderOptions = Extract<NonNullable<S3BackendOptions['credentials']>, { provider: string }>

/**
 * Rejects with what the package says of its failure. `region`: that of the bucket, whose STS is asked where the environment
 * names none, as the one that the package would ask knows nobody of another partition, such as China's.
 */
export async function fromAws(options: ProviderOptions, region: string): Promise<Credentials> {
  const { provider, profile, roleArn, webIdentityTokenFile } = options
  const aws = await loadCredentialProviders()
  const clientConfig = { region: process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? region }
  const files = { ignoreCache: true, clientConfig, ...(profile !== undefined && { profile }) }
  switch (provider) {
    case 'default':
      return aws.fromNodeProviderChain(files)()
    case 'environment':
      return aws.fromEnv()()
    case 'ini':
      return aws.fromIni(files)()
    case 'imds':
      return aws.fromInstanceMetadata()()
    case 'container':
      // Of those of the package, the one that knows the pod identities of EKS.
      return aws.fromHttp()()
    case 'web-identity':
      return aws.fromTokenFile({
        clientConfig,
        ...(roleArn !== undefined && { roleArn }),
        ...(webIdentityTokenFile !== undefined && { webIdentityTokenFile }),
      })()
    case 'sso':
      return aws.fromSSO(files)()
    case 'assume-role':
      return aws.fromTemporaryCredentials({
        clientConfig,
        masterCredentials: aws.fromNodeProviderChain(files),
        params: { RoleArn: roleArn!, RoleSessionName: 'portolan' },
      })()
  }
}
