namespace Ddm.Storage.Tests;

public sealed class NetworkFileSystemTests
{
    // Lines as kernels print them: NFS and SMB servers, Windows' disks in WSL2, a FUSE mount of either kind, a space in a name, a mount over a mount.
    private const string Table = """
        22 27 0:21 / /proc rw,relatime - proc proc rw
        27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
        31 27 0:30 / /home rw,relatime shared:7 - nfs4 filer:/export/home rw,vers=4.2,rsize=1048576,hard,proto=tcp,addr=10.0.0.5
        32 27 0:31 / /mnt/old rw - nfs filer:/old rw,vers=3,nolock
        33 27 0:32 / /mnt/share rw,relatime - cifs //server/share rw,vers=3.1.1,username=me
        34 27 0:33 / /mnt/c rw,noatime - 9p drvfs rw,dirsync,aname=drvfs;path=C:\,trans=fd
        35 27 0:34 / /mnt/ssh rw,nosuid - fuse.sshfs me@host:/data rw,user_id=1000
        36 27 8:17 / /mnt/usb rw,relatime - fuseblk /dev/sdb1 rw,user_id=0,allow_other
        37 27 0:36 / /mnt/crypt rw - fuse.gocryptfs /cipher rw
        38 27 0:37 / /mnt/with\040space rw master:2 propagate_from:1 - lustre mds@tcp:/scratch rw,flock
        39 31 8:33 / /home/local rw,relatime - xfs /dev/sdc1 rw
        40 27 0:40 / /mnt/twice rw - nfs4 filer:/a rw
        41 40 8:49 / /mnt/twice rw - ext4 /dev/sdd1 rw
        """;

    [Theory]
    [InlineData("/home/me/.ddm", "nfs4")]
    [InlineData("/home", "nfs4")]
    [InlineData("/homely", null)]
    [InlineData("/home/local/.ddm", null)]
    [InlineData("/mnt/old/x", "nfs")]
    [InlineData("/mnt/share", "cifs")]
    [InlineData("/mnt/c/Users/me", "9p")]
    [InlineData("/mnt/ssh/x", "fuse.sshfs")]
    [InlineData("/mnt/usb/x", null)]
    [InlineData("/mnt/crypt/x", null)]
    [InlineData("/mnt/with space/x", "lustre")]
    [InlineData("/mnt/twice/x", null)]
    [InlineData("/var/lib/ddm", null)]
    public void TheMountThatHoldsTheFolderDecides(string folder, string? kind) =>
        Assert.Equal(kind, NetworkFileSystem.FindIn(Table.ReplaceLineEndings("\n"), folder));

    [Fact]
    public void TheRefusalNamesFolderKindAndRemedies() => Assert.Equal(
        "the home folder '/home/me/.ddm' is on a network file system (nfs4), whose locks and flushes do not keep checkpoints safe. "
            + "Choose a folder on a disk of this machine with --home DIR (or DDM_HOME) and copy finished models from there. "
            + "If you know that locks and fsync reach the file server, set DDM_ALLOW_NETWORK_HOME=1.",
        NetworkFileSystem.Refusal("/home/me/.ddm", "nfs4"));

    [Fact]
    public void ThisMachinesOwnDiskIsTakenAlsoThroughALinkAndBeforeItExists()
    {
        using var folder = new TestFolder();
        Assert.Null(NetworkFileSystem.Find(folder.Path));
        NetworkFileSystem.Refuse(Path.Combine(folder.Path, "not", "there", "yet"));
        if (!OperatingSystem.IsLinux())
        {
            return; // mount tables are Linux's
        }

        var link = Path.Combine(folder.Path, "link");
        File.CreateSymbolicLink(link, "/proc/self");
        Assert.Equal("proc", MountTable.TypeOf(File.ReadAllText("/proc/self/mountinfo"), MountTable.Resolve(link)));
    }
}
