// A function on AWS's own Go client, for the test of the Runtime API.
package main

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Verb string `json:"verb"`
	N    int    `json:"n"`
}

func handle(ctx context.Context, e event) (any, error) {
	switch e.Verb {
	case "fail":
		return nil, errors.New("as asked")
	case "big":
		return strings.Repeat("x", e.N), nil
	}
	c, _ := lambdacontext.FromContext(ctx)
	_, hasDeadline := ctx.Deadline()
	return map[string]any{"n": e.N + 1, "id": c.AwsRequestID, "arn": c.InvokedFunctionArn, "deadline": hasDeadline}, nil
}

func main() { lambda.Start(handle) }
