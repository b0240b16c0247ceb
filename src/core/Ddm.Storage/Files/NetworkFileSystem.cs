using Ddm.Runs;

namespace Ddm.Storage;

/// <summary>
/// Keeps blobs off file systems that another machine serves. Their locks, their caches and what they call flushed differ by server and mount option, and a
/// compare-and-swap that two machines both win loses training without a word.
/// </summary>
public static class NetworkFileSystem
{
    /// <summary>Set to 1 by a site that knows that locks and fsync reach its file server (a Lustre mount with <c>flock</c>, say).</summary>
    public const string Override = "DDM_ALLOW_NETWORK_HOME";

    private static readonly HashSet<string> s_served = new(StringComparer.Ordinal)
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "smb2", "ncpfs", "9p", "afs", "coda", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "orangefs", "pvfs2",
        "davfs", "vboxsf", "prl_fs", "vmhgfs", "acfs", "panfs", "wekafs",
    };

    // Of file systems in user space those that talk to a server; others (ntfs-3g, gocryptfs, ...) lie on a disk of this machine.
    private static readonly HashSet<string> s_servedInUserSpace = new(StringComparer.Ordinal)
    {
        "sshfs", "s3fs", "rclone", "gcsfuse", "goofys", "geesefs", "glusterfs", "ceph", "ceph-fuse", "juicefs", "curlftpfs", "davfs", "davfs2", "smbnetfs", "mfs",
        "mfsmount", "moosefs", "seaweedfs", "weed", "blobfuse", "blobfuse2", "mountpoint-s3", "nfs", "nfs-ganesha", "hdfs", "fuse_dfs", "alluxio", "vmhgfs-fuse",
        "afpfs", "onedrive", "google-drive-ocamlfuse", "lustre", "beegfs", "cunofs", "objectivefs",
    };

    /// <summary>The kind of file system that serves <paramref name="folder"/> from another machine; null when it lies on a disk of this one.</summary>
    /// <param name="folder">Need not exist: then the nearest folder above it counts.</param>
    public static string? Find(string folder)
    {
        var existing = Path.GetFullPath(folder);
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        if (OperatingSystem.IsLinux())
        {
            return FindIn(File.ReadAllText("/proc/self/mountinfo"), MountTable.Resolve(existing));
        }

        var drive = new DriveInfo(existing);
        return drive.DriveType == DriveType.Network ? drive.DriveFormat : null;
    }

    /// <summary>Throws where <paramref name="home"/> is served by another machine, unless the site has vouched for it.</summary>
    /// <exception cref="UserErrorException">It is; the message names the file system and the remedy.</exception>
    public static void Refuse(string home)
    {
        if (Environment.GetEnvironmentVariable(Override) != "1" && Find(home) is { } kind)
        {
            throw new UserErrorException(Refusal(home, kind));
        }
    }

    /// <summary>Why such a home is refused, and what to do.</summary>
    internal static string Refusal(string home, string kind) =>
        $"the home folder '{home}' is on a network file system ({kind}), whose locks and flushes do not keep checkpoints safe. "
            + "Choose a folder on a disk of this machine with --home DIR (or DDM_HOME) and copy finished models from there. "
            + $"If you know that locks and fsync reach the file server, set {Override}=1.";

    /// <summary>As <see cref="Find"/>, from the text of <c>/proc/self/mountinfo</c> (proc_pid_mountinfo(5)).</summary>
    internal static string? FindIn(string mountInfo, string path)
    {
        var type = MountTable.TypeOf(mountInfo, path);
        if (type is null)
        {
            return null;
        }

        return s_served.Contains(type) || (type.StartsWith("fuse.", StringComparison.Ordinal) && s_servedInUserSpace.Contains(type["fuse.".Length..])) ? type : null;
    }
}
