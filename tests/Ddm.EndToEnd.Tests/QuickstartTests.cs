using System.Buffers.Binary;
using System.IO.Compression;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>The quickstart, distributed: three expert trainers in two pools and one of each other service, over a broker and a blob service.</summary>
public sealed class QuickstartTests(SharedServers servers)
{
    private const string Run = "quickstart", Fast = "fast", Spare = "spare";

    private const int Pictures = 1200;

    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>With fewer pictures and steps, and turns that are short beside them, so that roles change hands.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task AFewOfItsPicturesAndSteps()
    {
        using var folder = new TinyFolder();
        TakePictures(folder.Folder);
        await InPoolsAsync(
            folder.Folder,
            "slice_seconds: 2, commit_seconds: 2",
            ("  steps: 1250\n", "  steps: 60\n"), ("  steps: 400\n", "  steps: 20\n"), ("  steps: 40\n  guidance", "  steps: 4\n  guidance"), ("  warmup: 50 ", "  warmup: 5 "), ("  warmup: 50\n", "  warmup: 5\n"));
    }

    [Fact]
    [Trait("Category", "Long")]
    public Task AllOfIt() => InPoolsAsync(SamplesFolder(), "slice_seconds: 20");

    private async Task InPoolsAsync(string root, string execution, params (string Part, string Now)[] changes)
    {
        var spec = await File.ReadAllTextAsync(Path.Combine(SamplesFolder(), Run + ".yaml"), Cancel) + $"execution: {{ threads: 1, {execution} }}\n";
        foreach (var (part, now) in changes.Append(("experts:\n  steps", $"experts:\n  pools: [{Fast}, {Spare}]\n  steps")).Append(("router:\n", $"router:\n  pools: [{PoolName.Router}]\n")))
        {
            Assert.Contains(part, spec, StringComparison.Ordinal);
            spec = spec.Replace(part, now, StringComparison.Ordinal);
        }

        using var files = new TinyFolder(spec);
        var (rabbit, store) = (await servers.NewBrokerAsync(), servers.NewStore());
        var blobs = BlobStores.Open(store);
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, store, root);
        await cluster.StartAllAsync(Fast, Fast, Spare);
        await EveryPoolIsKnownAsync(blobs, cluster); // placement goes by who is there

        var answer = await NodeClient.SubmitAsync(rabbit.ConnectionString, files.SpecFile, root);
        Assert.True(NodeClient.Outcome(answer) == "created", answer.ToString());
        var document = await RunOutcome.EndAsync(blobs, Run, LongestRun, () => cluster.Output);

        Assert.True(document.Status == RunStatus.Succeeded, document.Failure + cluster.Output);
        await BothPoolsTrainedAsync(blobs, cluster);
        Assert.All(await cluster.StopAsync(), code => Assert.Equal(0, code));
        var (weights, numerics) = await AloneAsync(spec, Path.Combine(root, Run + ".yaml"), files.Home);
        Assert.Equal(numerics, document.Numerics);
        Assert.Equal(weights, await RunOutcome.WeightsAsync(blobs, Run));
    }

    private static async Task<(string[] Weights, IReadOnlyDictionary<string, NumericsClass> Numerics)> AloneAsync(string spec, string specFile, string home)
    {
        var weights = await RunOutcome.OfOneProcessAsync(spec, specFile, home, Cancel);
        return (weights, (await new RunRepository(new FileBlobStore(home)).GetAsync(Run, Cancel)).Numerics);
    }

    private static Task EveryPoolIsKnownAsync(IBlobStore blobs, ServiceCluster cluster)
    {
        var directory = new WorkerDirectory(blobs);
        string[] expected = [Fast, Fast, PoolName.Router, Spare];
        return Waiting.ForAsync("every worker is in its pool", TimeSpan.FromSeconds(60), async token =>
            (await directory.ReadAsync(token)).Select(worker => worker.Record.Pool).Order(StringComparer.Ordinal).SequenceEqual(expected), () => cluster.Output);
    }

    // A head names the pool whose message brought its last commit; that a worker there made it, the worker's own log says.
    private static async Task BothPoolsTrainedAsync(IBlobStore blobs, ServiceCluster cluster)
    {
        var roles = (await RunInspector.For(blobs).InspectAsync(Run, Cancel)).Roles;
        var experts = roles.Where(role => Role.Parse(role.Role).Kind == RoleKind.Expert).ToArray();
        Assert.Equal([Fast, Spare], experts.Select(role => role.Pool).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(PoolName.Router, roles.Single(role => role.Role == Role.Router.Path).Pool);
        Assert.All(experts, role => Assert.Contains(cluster.In(role.Pool!), process => process.Lines.Any(line => Committed(line, role))));
    }

    private static bool Committed(string line, RoleFacts role)
        => line.Contains(FormattableString.Invariant($" committed {role.Role} of run {Run} at step {role.Step},"), StringComparison.Ordinal);

    // The first of the sample's, as it has them but for the compression.
    private static void TakePictures(string root)
    {
        const string Folder = "fashion-mnist";
        Directory.CreateDirectory(Path.Combine(root, Folder));
        foreach (var (name, header, row) in ((string, int, int)[])[("images-idx3-ubyte", 16, 28 * 28), ("labels-idx1-ubyte", 8, 1)])
        {
            var bytes = new byte[header + (Pictures * row)];
            using var packed = new GZipStream(File.OpenRead(Path.Combine(SamplesFolder(), Folder, name + ".gz")), CompressionMode.Decompress);
            packed.ReadExactly(bytes);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), Pictures);
            File.WriteAllBytes(Path.Combine(root, Folder, name), bytes);
        }
    }

    private static string SamplesFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "DdmAspire.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException($"No DdmAspire.sln above {AppContext.BaseDirectory}.");
        }

        return Path.Combine(folder.FullName, "samples");
    }
}
