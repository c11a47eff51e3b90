"""The driver of the Python package. Settings, orders and answers are those of driver.h."""

from __future__ import annotations

import json
import mmap
import resource
import sys
import threading
import time

import libcni


class Contestant:
    def __init__(self, setting: dict[str, str]) -> None:
        self.netns = setting.get("netns", "/run/netns/bench")
        self.capabilities = json.loads(setting.get("capabilities") or "{}")
        self.cni = libcni.CNI(
            plugin_dirs=[setting["plugins"]], cache_dir=setting["cache"], durable=setting.get("durable") == "true"
        )
        self.list = libcni.network_conf_from_file(setting["list"])
        self.ballast: list[mmap.mmap] = []

    def operate(self, command: str, container: str) -> None:
        rt = libcni.RuntimeConf(container, self.netns, capability_args=self.capabilities)
        if command == "ADD":
            self.cni.add_network_list(self.list, rt)
        elif command == "CHECK":
            self.cni.check_network_list(self.list, rt)
        elif command == "RESULT":
            self.cni.get_network_list_cached_result(self.list, rt)
        else:
            self.cni.del_network_list(self.list, rt)

    def run(self, command: str, operations: int, threads: int) -> dict[str, int]:
        failures: list[BaseException] = []
        start = threading.Barrier(threads + 1)

        def work(thread: int, share: int) -> None:
            try:
                start.wait()
                for index in range(share):
                    self.operate(command, f"bench-{thread}-{index}")
            except BaseException as failure:
                failures.append(failure)

        shares = [operations // threads + (thread < operations % threads) for thread in range(threads)]
        workers = [threading.Thread(target=work, args=share) for share in enumerate(shares)] if threads > 1 else []
        for worker in workers:
            worker.start()
        cpu, begin = own_cpu_ns(), time.monotonic_ns()
        if workers:
            start.wait()
            for worker in workers:
                worker.join()
        else:
            for index in range(operations):
                self.operate(command, f"bench-0-{index}")
        elapsed = time.monotonic_ns() - begin
        if failures:
            raise failures[0]
        return {"ops": operations, "ns": elapsed, "cpuNs": own_cpu_ns() - cpu}

    def touch(self, mebibytes: int) -> None:
        """Keep memory in small pages, as driver.c does."""
        memory = mmap.mmap(-1, mebibytes << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for offset in range(0, len(memory), 4096):
            memory[offset] = 1
        self.ballast.append(memory)

    def answer(self, order: list[str]) -> dict[str, int]:
        if order[0] == "ballast":
            self.touch(int(order[1]))
            return {}
        return self.run(order[0], int(order[1]), int(order[2]))


def own_cpu_ns() -> int:
    """What this process itself has used of the processors; its children do not count."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def main() -> None:
    contestant = Contestant(dict(argument.split("=", 1) for argument in sys.argv[1:]))
    for line in sys.stdin:
        print(json.dumps(contestant.answer(line.split())), flush=True)


if __name__ == "__main__":
    main()
