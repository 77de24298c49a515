#!/usr/bin/env bash
# up.sh FOLDER [NODES [GPUS]]: starts a private Slurm cluster on this machine, with emulated nodes (default: 2) and
# pretended GPUs (default: 2 per node). It listens on 127.0.0.1 only. Prints the SLURM_CONF of the cluster; down.sh
# stops it. Needs slurmctld, slurmd, slurm-client and munge (Debian: apt-get install slurm-wlm munge), and root, because
# slurmd starts jobs as their users. Partitions: `debug`, and `low`, whose jobs those of `debug` preempt.
set -Eeuo pipefail
root=$(realpath -m "$1") nodes=${2:-2} gpus=${3:-2} host=$(hostname -s) me=$(id -un)
port=${SLURM_TEST_PORT:-$((20000 + RANDOM % 10000))} # of slurmctld; the nodes have the next ones
mkdir -p "$root"/{run,log,state,spool}; chmod 755 "$root" "$root"/{run,log,state,spool}
export SLURM_CONF=$root/slurm.conf

head -c 1024 /dev/urandom >"$root/munge.key"; chmod 400 "$root/munge.key" # a key and a socket of its own
trap 'tail -n 5 "$root"/log/* >&2' ERR
# --force: the folder may be closed to other users, who have no business here
munged --force --key-file="$root/munge.key" --socket="$root/run/munge.sock" --pid-file="$root/run/munged.pid" \
    --log-file="$root/log/munged.log" --seed-file="$root/run/munge.seed" --num-threads=2 </dev/null &>"$root/log/munged.out"

for gpu in $(seq 0 $((gpus - 1))); do # Slurm sets CUDA_VISIBLE_DEVICES only for a GPU that is a device
    mknod "$root/run/gpu$gpu" c 1 3 2>/dev/null || ln -sf /dev/null "$root/run/gpu$gpu"
done
echo "NodeName=n[1-$nodes] Name=gpu File=$root/run/gpu[0-$((gpus - 1))]" >"$root/gres.conf"

# The nodes have no addresses, so the processes of a run on several nodes meet at 127.0.0.1.
printf '#!/bin/sh\necho "export MASTER_ADDR=127.0.0.1"; echo "export GLOO_SOCKET_IFNAME=lo"\n' >"$root/task_prolog"
chmod 755 "$root/task_prolog"
# cred_expire: a requeued job waits this long, in seconds (default 120). preempt_send_user_signal: a preempted job gets
# the signal of --signal. MinJobAge: 22.05 has no accounting here. JobRequeue: after the failure of a node.
cat >"$SLURM_CONF" <<CONF
ClusterName=reprotest
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool/%n
SlurmctldPidFile=$root/run/slurmctld.pid
SlurmdPidFile=$root/run/slurmd.%n.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd.%n.log
SlurmctldParameters=preempt_send_user_signal
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=$root/task_prolog
MpiDefault=none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0,requeue_delay=1
JobRequeue=1
KillWait=5
MinJobAge=3600
ReturnToService=2
SlurmdTimeout=30
SlurmctldTimeout=30
InactiveLimit=0
Waittime=0
SlurmdParameters=config_overrides
GresTypes=gpu
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + nodes))] CPUs=2 RealMemory=4000 Gres=gpu:$gpus State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=1-00:00:00 DefMemPerCPU=200 PriorityTier=10 PreemptMode=off State=UP
PartitionName=low Nodes=ALL Default=NO MaxTime=INFINITE DefMemPerCPU=200 PriorityTier=1 PreemptMode=requeue GraceTime=20 State=UP
CONF
(cd "$root/log" && slurmctld -i -f "$SLURM_CONF") </dev/null &>"$root/log/slurmctld.out"
for n in $(seq "$nodes"); do
    mkdir -p "$root/spool/n$n"
    slurmd -N "n$n" -f "$SLURM_CONF" </dev/null &>"$root/log/slurmd.n$n.out"
done
for _ in $(seq 200); do
    [[ $(sinfo -h -p debug -N -o %t 2>/dev/null | grep -c idle) == "$nodes" ]] && { echo "$SLURM_CONF"; exit; }
    sleep 0.1
done
# "Unauthorized credential" in the log of munged is no fault: it is there after every start.
echo "up.sh: the nodes are not idle after 20 s: $(sinfo -h -N -o '%N %T %E' 2>&1 | tr '\n' ';')" >&2
false
