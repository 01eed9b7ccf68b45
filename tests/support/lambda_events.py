"""The events in which AWS tells a function of an HTTP request, with all the fields that AWS documents."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.lambda_wire import Request

SOURCE = "203.0.113.9"
DOMAIN = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws"
TEXTS = ("text/", "application/json", "application/javascript", "application/xml")


def function_url_event(request: Request, body: bytes) -> dict[str, Any]:
    """Payload format 2.0: cookies apart, any body that is not known as text in base64."""
    headers = dict(request.headers)
    cookies = [cookie.strip() for cookie in headers.pop("cookie", "").split(";") if cookie.strip()]
    path, _, query = request.path.partition("?")
    binary = not headers.get("content-type", "text/").startswith(TEXTS)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            **headers,
            "host": DOMAIN,
            "x-forwarded-for": SOURCE,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": DOMAIN.partition(".")[0],
            "domainName": DOMAIN,
            "domainPrefix": DOMAIN.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": SOURCE,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": "8f2e1b36-5f0c-4d86-a0a1-0c7a4a0d3a9e",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:00:00:00 +0000",
            "timeEpoch": 1795219200000,
        },
        "isBase64Encoded": binary,
    }
    if cookies:
        event["cookies"] = cookies
    if body:
        event["body"] = base64.b64encode(body).decode() if binary else body.decode()
    return event


def rest_api_event(request: Request, body: bytes, *, binary: bool = False) -> dict[str, Any]:
    """API Gateway's REST API, payload format 1.0."""
    path, _, query = request.path.partition("?")
    parameters = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": request.headers,
        "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        "queryStringParameters": parameters or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in parameters.items()} or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "httpMethod": request.method,
            "identity": {"sourceIp": SOURCE, "userAgent": ""},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "8f2e1b36-5f0c-4d86-a0a1-0c7a4a0d3a9e",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": (base64.b64encode(body).decode() if binary else body.decode()) or None,
        "isBase64Encoded": binary,
    }
