/**
 * AWS's own libraries, loaded by the first who needs them. What they warn of (versions of Node.js that later releases will
 * not support) is for whoever updates them to read, not for who runs Portolan.
 */
export async function loadS3Client(): Promise<typeof import('@aws-sdk/client-s3')> {
  quieten()
  return import('@aws-sdk/client-s3')
}

export async function loadCredentialProviders(): Promise<typeof import('@aws-sdk/credential-providers')> {
  quieten()
  return import('@aws-sdk/credential-providers')
}

function quieten(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
}
