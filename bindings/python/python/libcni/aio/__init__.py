"""The operations as coroutines.

>>> import asyncio
>>> async def versions():
...     return await libcni.aio.CNI(exec=canned, cache_dir=None).get_version_info("any")
>>> asyncio.run(versions()).cni_version
'1.1.0'
"""

from libcni.aio.container_networks import Networks
from libcni.aio.operations import CNI
from libcni.aio.watch import NetworksWatch

__all__ = ["CNI", "Networks", "NetworksWatch"]
