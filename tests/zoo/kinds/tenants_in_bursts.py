"""New tenants come in the second and the fourth round only; each has a pool of connections that nobody closes."""
# requires: urllib3
# leaked: PoolManager
# holder: managers
# verdict: leak|inconclusive
import urllib3

managers = {}


def step(i):
    if i // 300 % 2:
        headers = {"X-Tenant": "tenant-%d" % i, "X-Token": "t" * 4000 + str(i)}
        manager = urllib3.PoolManager(num_pools=4, headers=headers)
        manager.connection_from_host("host-%d" % i)
        managers["tenant-%d" % i] = manager
