"""What `any2api_runtime` starts. Where the function cannot even be imported, Lambda is told so in one line."""

import os
import sys

from handlers.aws.runtime_api import RuntimeApi

API = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])

try:
    from handlers import aws_lambda
except Exception as error:  # noqa: BLE001  # whatever is missing or broken in the zip, it is reported and ends here
    API.init_error(error)
    sys.exit(1)

aws_lambda.run(API)
