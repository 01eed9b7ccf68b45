"""The least that speaks HTTP on Lambda and could ask an upstream: FastAPI, Mangum, httpx without even a client."""

import httpx
from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()


@app.get("/v1/models")
async def hello() -> dict[str, str]:
    return {"hello": httpx.__name__}


handler = Mangum(app, lifespan="off")
