// The context object that Lambda hands to a Node handler.
export function makeContext(event) {
  const env = process.env;
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: event.clientContext ? JSON.parse(event.clientContext) : undefined,
    identity: event.cognitoIdentity ? JSON.parse(event.cognitoIdentity) : undefined,
    invokedFunctionArn: event.functionArn,
    awsRequestId: event.requestId,
    getRemainingTimeInMillis: () => Math.max(event.deadlineMs - Date.now(), 0),
  };
  return context;
}
