using System.Net;
using System.Text;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;

namespace Ddm.EndToEnd.Tests;

/// <summary>A pool that no worker has joined: what is sent there waits in a queue, whatever becomes of the broker, for a queue with something in it is what makes workers come.</summary>
public sealed class PoolQueueTests
{
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")]
    public async Task MessagesForAPoolWithoutWorkersWaitAlsoAfterTheBrokerWasWiped()
    {
        using var files = new TinyFolder(TinyFolder.DefaultSpec.Replace("steps: 12", "steps: 12, pools: [a100, t4]", StringComparison.Ordinal));
        await CreateAsync(files);
        await using var rabbit = await RabbitServer.StartAsync(management: true);
        await using var control = ServiceProcess.Start("ControlPlane", new Dictionary<string, string>
        {
            ["ConnectionStrings:messaging"] = rabbit.ConnectionString,
            ["ConnectionStrings:blobs"] = files.Home,
            ["Ddm:BrokerManagement"] = $"http://127.0.0.1:{rabbit.ManagementPort}",
            ["Ddm:RequireApiKey"] = "false",
            ["Ddm:ReconcileEvery"] = "00:00:01",
            ["Ddm:ResendAfter"] = "00:00:05",
        });
        await control.ReadyAsync();
        var topology = new Topology(BrokerAddress.Parse(rabbit.ConnectionString));
        await WaitingAsync("a100");
        await PolicyAsync();

        await rabbit.StopAsync();
        using (var client = new HttpClient { BaseAddress = new Uri(control.Address), Timeout = LongestAnswer })
        {
            using var body = new StringContent("{\"pool\": \"t4\"}", Encoding.UTF8, "application/json");
            using var moved = await client.PostAsync($"/runs/{TinyFolder.RunName}/roles/experts/0/move", body, Cancel); // no broker holds up an answer
            Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
            await Waiting.ForAsync("it says that the broker is away", TimeSpan.FromMinutes(1), async token => await control.StatusAsync("/health", token) == HttpStatusCode.ServiceUnavailable);
            using var health = await client.GetAsync("/health", Cancel);
            Assert.DoesNotMatch("127\\.0\\.0\\.1|guest|localhost", await health.Content.ReadAsStringAsync(Cancel));
        }

        await rabbit.StartEmptyAsync();
        await WaitingAsync("t4");
        await PolicyAsync();

        Task WaitingAsync(string pool) => Waiting.ForAsync(
            $"a message waits in pool {pool}", TimeSpan.FromMinutes(2), async token => await topology.LookAsync(QueueNames.Train(pool), token) is { Waiting: > 0 }, () => control.Output);

        Task PolicyAsync() => Waiting.ForAsync(
            "the policy is set", TimeSpan.FromMinutes(1), async _ => (await rabbit.AskAsync("list_policies")).Contains("delivery-limit", StringComparison.Ordinal), () => control.Output);
    }

    // A run that trains: what came before is not looked at any more.
    internal static async Task CreateAsync(TinyFolder files)
    {
        var spec = RunSpecReader.Read(files.SpecText, files.SpecFile);
        var roles = Enumerable.Range(0, spec.Partition.Experts).Select(Role.Expert).Append(Role.Router).ToList();
        Assert.True(await new RunRepository(new FileBlobStore(files.Home)).TryCreateAsync(
            new RunDocument
            {
                Name = spec.Name,
                Spec = spec,
                SpecText = files.SpecText,
                SourceRoot = files.Folder,
                SubmittedAt = DateTimeOffset.UnixEpoch,
                Stage = RunStage.Train,
                DatasetId = "d",
                ShardCount = 1,
                Numerics = roles.ToDictionary(role => role.Path, _ => new NumericsClass("cuda-sm80", "float32", 16, 1, "libtorch 2.10.0", true)),
                Roles = [.. roles.Select(role => new RoleDecision(role.Path, 12, RoleStatus.Training))],
            },
            Cancel));
    }
}
