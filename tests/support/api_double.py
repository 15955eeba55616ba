"""An API server that is a test's own."""

from abc import abstractmethod

from fleet.kubernetes.connection import ApiServer, Json, Query, Reply


class ApiDouble(ApiServer):
    """Answers requests as a test says; its connections are nobody's."""

    @abstractmethod
    async def answer(self, method: str, path: str, query: Query) -> Reply:
        """What becomes of a request. Raises Unreached."""

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
