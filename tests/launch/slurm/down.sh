#!/usr/bin/env bash
# down.sh FOLDER: cancels all jobs of the cluster that up.sh started in FOLDER, and stops its processes.
root=$(realpath -m "$1") SLURM_CONF=$root/slurm.conf
export SLURM_CONF
scancel --signal=KILL --me 2>/dev/null; scancel --me 2>/dev/null
for _ in $(seq 60); do [[ -z $(squeue -h 2>/dev/null) ]] && break; sleep 0.2; done # slurmd cleans up after its jobs
for file in "$root"/run/slurmd.*.pid "$root"/run/slurmctld.pid "$root"/run/munged.pid; do
    [[ -s $file ]] || continue
    read -r process <"$file"
    kill -9 "$process" 2>/dev/null # at once: nothing of this cluster is needed again
done
exit 0
