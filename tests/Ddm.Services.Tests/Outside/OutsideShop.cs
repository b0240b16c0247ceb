using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests.Outside;

/// <summary>A control plane's API before a real store with two runs that train, and what a worker outside sends to it.</summary>
internal sealed class OutsideShop : IAsyncDisposable
{
    public const string Run = "tiny", Other = "other", Pool = "home", Worker = "anna/box:1:1", Host = "anna/box";
    public const string Key = "the-key-of-anna-0123456789", BobsKey = "the-key-of-bob-0123456789";
    public const string Part = "weights.safetensors";
    public const long Target = 1000;
    public static readonly NumericsClass Numerics = new("cpu-avx2", "float32", 16, 1, "libtorch 2.10.0", true);

    private readonly TinyFolder? folder;
    private readonly ApiServer server;

    private OutsideShop(IBlobStore store, TinyFolder? folder, ApiServer server)
    {
        (Store, this.folder, this.server) = (store, folder, server);
        Checkpoints = new CheckpointStore(store, TimeProvider.System, NullLogger.Instance);
        Client = ClientOf(Key);
    }

    public IBlobStore Store { get; }

    public CheckpointStore Checkpoints { get; }

    /// <summary>A client with anna's key, which is for pool home.</summary>
    public HttpClient Client { get; }

    public Uri Address => server.Address;

    public static async Task<OutsideShop> OpenAsync(IBlobStore? store = null, Action<IServiceCollection>? services = null, params (string Setting, string Value)[] more)
    {
        var folder = store is null ? new TinyFolder() : null;
        store ??= new FileBlobStore(folder!.Home);
        var settings = new Dictionary<string, string?>
        {
            ["Ddm:ApiKeys"] = ApiServer.Key,
            ["Ddm:WorkerKeys"] = $"anna@home={Key};bob={BobsKey}",
        };
        foreach (var (setting, value) in more)
        {
            settings[setting] = value;
        }

        var server = await ApiServer.StartAsync(store, null, settings: settings, add: services, cancellationToken: TestContext.Current.CancellationToken);
        var shop = new OutsideShop(store, folder, server);
        await shop.CreateAsync(Run);
        await shop.CreateAsync(Other);
        return shop;
    }

    public HttpClient ClientOf(string key)
    {
        var client = new HttpClient { BaseAddress = server.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        return client;
    }

    public async Task<HttpResponseMessage> PostAsync(string path, object body, HttpClient? client = null) => await (client ?? Client).PostAsync(
        "/workers" + path, JsonContent.Create(body, body.GetType(), options: ControlPlaneApi.Json), TestContext.Current.CancellationToken);

    public async Task<T> AskAsync<T>(string path, object body)
    {
        using var answer = await PostAsync(path, body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (await answer.Content.ReadFromJsonAsync<T>(ControlPlaneApi.Json, TestContext.Current.CancellationToken))!;
    }

    /// <summary>Claims an expert as anna's worker would.</summary>
    public async Task<OutsideClaim> ClaimAsync(int expert = 0, string worker = Worker)
    {
        var answer = await AskAsync<ClaimAnswer>("/claims", new ClaimBody(Run, $"experts/{expert}", worker, Host, null, Pool, false));
        Assert.Equal(ClaimKind.Claimed, answer.Outcome);
        return new OutsideClaim(Run, $"experts/{expert}", worker, answer.Ticket!.Owner.Epoch);
    }

    public static string FolderOf(OutsideClaim claim, long step) => BlobNames.Checkpoint(claim.Run, Role.Parse(claim.Role), step, claim.Epoch);

    /// <summary>Writes a part, and says what a commit of it would be.</summary>
    public async Task<CommitBody> WriteAsync(OutsideClaim claim, long step, long from = 0, CheckpointReference? parent = null)
    {
        var bytes = Encoding.UTF8.GetBytes($"state of step {step}");
        using var put = await SendAsync(HttpMethod.Put, claim, FolderOf(claim, step) + Part, bytes);
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var data = await ClusterDataset.OpenAsync(Store, claim.Run, [Role.Parse(claim.Role).Index], false, TestContext.Current.CancellationToken);
        return new CommitBody
        {
            Claim = claim,
            Step = step,
            FromStep = from,
            DataManifestSha256 = data.ManifestSha256,
            Numerics = Numerics,
            Written = new WrittenParts(FolderOf(claim, step), [new CheckpointPart(Part, bytes.Length, Convert.ToHexStringLower(SHA256.HashData(bytes)))]),
            TrainedFrom = parent,
        };
    }

    /// <summary>Asks for a blob, or writes one where there is none, under a claim.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, OutsideClaim claim, string name, byte[]? content = null, bool ifAbsent = true, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(method, FormattableString.Invariant(
            $"/workers/blobs/{name}?run={claim.Run}&role={Uri.EscapeDataString(claim.Role)}&worker={Uri.EscapeDataString(claim.Worker)}&epoch={claim.Epoch}"));
        if (content is not null)
        {
            request.Content = new ByteArrayContent(content);
            if (ifAbsent)
            {
                request.Headers.TryAddWithoutValidation("If-None-Match", "*");
            }
        }

        return await (client ?? Client).SendAsync(request, TestContext.Current.CancellationToken);
    }

    public Task<RoleHead?> HeadAsync(int expert = 0) => Checkpoints.ReadHeadAsync(Run, Role.Expert(expert), TestContext.Current.CancellationToken);

    /// <summary>As an inside worker in another pool, or the control plane, would.</summary>
    public async Task<RoleClaim> TakeAwayAsync(int expert = 0) => Assert.IsType<ClaimOutcome.Claimed>(await Checkpoints.ClaimAsync(
        Run, Role.Expert(expert), "inside", _ => true, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)).Claim;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await server.DisposeAsync();
        folder?.Dispose();
    }

    private async Task CreateAsync(string run)
    {
        var token = TestContext.Current.CancellationToken;
        var yaml = TinyFolder.DefaultSpec.Replace("name: tiny", $"name: {run}", StringComparison.Ordinal)
            .Replace("steps: 12", $"pools: [home], steps: {Target}", StringComparison.Ordinal);
        Role[] roles = [Role.Expert(0), Role.Expert(1), Role.Router];
        await new RunRepository(Store).TryCreateAsync(
            new RunDocument
            {
                Name = run,
                Spec = RunSpecReader.Read(yaml, "tiny.yaml"),
                SpecText = yaml,
                SourceRoot = "/",
                SubmittedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
                Stage = RunStage.Train,
                DatasetId = "d",
                ShardCount = 1,
                Numerics = roles.ToDictionary(role => role.Path, _ => Numerics),
                Roles = [.. roles.Select(role => new RoleDecision(role.Path, (int)Target, RoleStatus.Training))],
            },
            token);
        for (var k = 0; k < 2; k++)
        {
            var shard = new ClusterShard(BlobNames.ClusterShard(run, k, 0), 1, "0", 3);
            await Store.TryWriteAsync(shard.Name, "abc"u8.ToArray(), WriteCondition.Any, token);
            await Store.TryWriteJsonAsync(
                BlobNames.ClusterManifest(run, k), new ClusterManifest(ClusterManifest.CurrentSchema, run, k, "d", "0", "0", 1, 8, [shard], [], 1, 0, []), WriteCondition.Any, token);
        }

        foreach (var name in (string[])[BlobNames.DatasetManifest("d"), BlobNames.DatasetShard("d", 0), BlobNames.InitWeights(run), BlobNames.Features(run, 0), $"{BlobNames.Events(run)}x.jsonl", BlobNames.Owner(run, Role.Router)])
        {
            await Store.TryWriteAsync(name, "{}"u8.ToArray(), WriteCondition.Any, token);
        }
    }
}
