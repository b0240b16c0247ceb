using System.Net;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;
using Ddm.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.EndToEnd.Tests;

/// <summary>Messages that nothing of ours sends, from a client in another language: answered where they ask, else dropped, and no run is changed by them.</summary>
public sealed class BadMessageTests(SharedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryBadSpecIsAnsweredWithWhatIsWrong()
    {
        using var files = new TinyFolder();
        var rabbit = await servers.NewBrokerAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        await cluster.Start("ControlPlane").ReadyAsync();
        var good = TinyFolder.DefaultSpec;
        (string Body, string Told)[] cases =
        [
            (Spec(good.Replace("seed: 7", "sed: 7", StringComparison.Ordinal)), "spec:2:1: sed: unknown key; did you mean 'seed'?"),
            (Spec(good.Replace("seed: 7", "\tseed: 7", StringComparison.Ordinal)), "a tab in the indentation"),
            (Spec(good.Replace("seed: 7", "seed: 7\nseed: 8", StringComparison.Ordinal)), "seed"),
            (Spec(good.Replace("seed: 7", "seed: &a 7\nx: *a", StringComparison.Ordinal)), "anchor"),
            (Spec(good.Replace("seed: 7", "seed: !!python/object:os.system 7", StringComparison.Ordinal)), "tag"),
            (Spec(good.Replace("batch: 16", "batch: -1", StringComparison.Ordinal)), "'-1' is not a whole number"),
            (Spec(good.Replace("learning_rate: 1e-3", "learning_rate: \"1e-3\"", StringComparison.Ordinal)), "the quoted text '1e-3'"),
            (Spec(good.Replace("learning_rate: 1e-3", "learning_rate: .nan", StringComparison.Ordinal)), "'.nan' is not a number"),
            (Spec(good.Replace("name: tiny", "name: ../x", StringComparison.Ordinal)), "'../x' cannot name"),
            (Spec(good.Replace("name: tiny", "name: CON", StringComparison.Ordinal)), "'CON' cannot name"),
            (Spec(good.Replace("name: tiny", "name: latest", StringComparison.Ordinal)), "'latest' cannot name"),
            (Spec(good.Replace("name: tiny", "name: \U0001F600", StringComparison.Ordinal)), "cannot name"),
            (Spec(good.Replace("name: tiny", "name: " + new string('a', 300), StringComparison.Ordinal)), "cannot name"),
            (Spec(good.Replace("name: tiny", "name: \"<img src=x>\"", StringComparison.Ordinal)), "cannot name"),
            (Spec(good.Replace("source: pictures", "source: http://169.254.169.254/latest", StringComparison.Ordinal)), "169.254.169.254"),
            (Spec(new string('#', 1_000_000)), "24"),
            (Spec("\0"), "spec:1:"),
            ("""{"spec": 3}""", "'3' is not a mapping"),
            ("""{"spec": ["a"]}""", "a list is not a mapping"),
            ("""{"spec": {"name": "x", "name": "y"}}""", "name"),
            ("""{"spec": null}""", "'spec' is missing"),
            ("{}", "'spec' is missing"),
        ];

        var answers = await NodeClient.AskAsync(rabbit.ConnectionString, cases.Select(each => each.Body));

        Assert.Equal(cases.Length, answers.Length);
        foreach (var ((body, told), answer) in cases.Zip(answers))
        {
            var messages = string.Join('\n', answer.GetProperty("messages").EnumerateArray().Select(message => message.GetString()));
            Assert.True(answer.GetProperty("outcome").GetString() == "refused" && messages.Contains(told, StringComparison.Ordinal), $"{body[..Math.Min(body.Length, 300)]}\n{answer}\n{cluster.Output}");
            Assert.DoesNotContain("   at ", messages, StringComparison.Ordinal);
        }

        Assert.Empty(await new RunRepository(new FileBlobStore(files.Home)).NamesAsync(Cancel));
        Assert.Equal(HttpStatusCode.OK, await cluster.ControlPlane.StatusAsync("/health", Cancel));
    }

    [Fact]
    public async Task AMessageForAWorkerThatIsWrongOrOldChangesNoRun()
    {
        using var files = new TinyFolder();
        var blobs = new FileBlobStore(files.Home);
        await RunOutcome.SubmitAsync(blobs, files);
        var runs = new RunRepository(blobs);
        await runs.UpdateAsync("tiny", document => document with { Stage = RunStage.Train, Roles = [new RoleDecision("experts/0", 12, RoleStatus.Training), new RoleDecision("router", 8, RoleStatus.Training)] }, Cancel);
        var checkpoints = new CheckpointStore(blobs, TimeProvider.System, NullLogger.Instance);
        await checkpoints.GrantAsync("tiny", Role.Expert(0), "elsewhere", Cancel);
        var rabbit = await servers.NewBrokerAsync();
        await using var cluster = new ServiceCluster(rabbit.ConnectionString, files.Home, files.Folder);
        cluster.Start("ExpertTrainer");
        cluster.Start("FeatureExtractor");
        foreach (var process in cluster.Processes)
        {
            await process.ReadyAsync();
        }

        var before = await StateAsync(blobs);
        object[] slices =
        [
            new { run = "nothing", rolePath = "experts/0", fromStep = 0, pool = "local" }, // of a run that is not there
            new { run = "../x", rolePath = "experts/0", fromStep = 0, pool = "local" },
            new { rolePath = "experts/0", fromStep = 0, pool = "local" },
            new { run = "tiny", rolePath = "experts/7", fromStep = 0, pool = "local" }, // an expert that it has not
            new { run = "tiny", rolePath = "experts/../../x", fromStep = 0, pool = "local" },
            new { run = "tiny", rolePath = "experts/0", fromStep = 5, pool = "local" }, // ahead of its head
            new { run = "tiny", rolePath = "experts/0", fromStep = -5, pool = "local" },
            new { run = "tiny", rolePath = "experts/0", fromStep = 12, pool = "local" }, // it would be done
            new { run = "tiny", rolePath = "experts/0", fromStep = 0, pool = "local" }, // placed in another pool since
            new { run = "tiny", rolePath = "experts/0", fromStep = 0, pool = "elsewhere", submission = 1 }, // of an earlier run of the name
            new { run = "tiny", rolePath = "experts/0", fromStep = 0, pool = "../x" },
        ];
        object[] messages =
        [
            .. slices.Select(slice => Enveloped("train.local", "TrainSlice", slice)),
            Enveloped("features", "ExtractFeatures", new { run = "tiny", shard = 999 }),
            Enveloped("features", "ExtractFeatures", new { run = "tiny", shard = -1 }),
            Enveloped("ingest", "IngestShard", new { run = "tiny", shard = 999 }),
            Enveloped("ingest", "IngestShard", new { run = "nothing", shard = 0 }),
        ];

        await NodeClient.SendAsync(rabbit.ConnectionString, messages);
        await NodeClient.SendAsync(rabbit.ConnectionString, "train.local", "no JSON at all");
        await NodeClient.SendAsync(rabbit.ConnectionString, [Enveloped("train.local", "TrainSlice", new { run = "tiny", rolePath = "experts/0", fromStep = "many" }), Enveloped("train.local", "Unheard", new { run = "tiny" })]);
        await Waiting.ForAsync("all messages are taken", TimeSpan.FromSeconds(60), async _ => await LeftAsync(rabbit) == "ddm.dead 3", () => LeftAsync(rabbit).GetAwaiter().GetResult() + cluster.Output);

        Assert.Equal(before, await StateAsync(blobs));
        foreach (var process in cluster.Processes)
        {
            Assert.Equal(HttpStatusCode.OK, await process.StatusAsync("/health", Cancel));
            Assert.Equal(0, await process.StopAsync());
        }
    }

    private static string Spec(string text) => JsonSerializer.Serialize(new { spec = text });

    private static object Enveloped(string exchange, string type, object message) => new
    {
        exchange,
        type = "application/vnd.masstransit+json",
        text = JsonSerializer.Serialize(new { messageId = Guid.NewGuid(), messageType = new[] { "urn:message:Ddm.Runs:" + type }, message }),
    };

    // Queues with messages in them, those that a worker has among them.
    private static async Task<string> LeftAsync(VirtualHost rabbit)
    {
        var queues = await rabbit.AskAsync("list_queues", "name", "messages", "--no-table-headers");
        return string.Join(", ", queues.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).Where(columns => columns.Length == 2 && columns[1] != "0").Select(columns => $"{columns[0]} {columns[1]}"));
    }

    // What decides of a run: its document and its roles' heads. Notices about it are no decisions.
    private static async Task<string> StateAsync(FileBlobStore blobs)
    {
        var names = await blobs.ListAsync("", Cancel).Select(blob => blob.Name).Where(name => !name.Contains("/events/", StringComparison.Ordinal) && !name.StartsWith("workers/", StringComparison.Ordinal)).ToListAsync(Cancel);
        var state = new List<string>();
        foreach (var name in names)
        {
            state.Add($"{name} {(await blobs.ReadAsync(name, Cancel))!.ETag}");
        }

        return string.Join('\n', state);
    }
}
