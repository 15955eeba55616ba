"""A client of an API server whose answers a test computes, without a connection."""

from abc import abstractmethod

from fleet.kubernetes.connection import ApiServer, Json, Query, Reply


class ApiDouble(ApiServer):
    """Answers each request by the test's `answer`."""

    @abstractmethod
    async def answer(self, method: str, path: str, query: Query) -> Reply:
        """Give the answer to a request. Raises Unreached."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 (as its base has it)
    ) -> Reply:
        return await self.answer(method, path, query)
