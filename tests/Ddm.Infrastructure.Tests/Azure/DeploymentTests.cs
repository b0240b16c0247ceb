using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Infrastructure.Tests;

/// <summary>What <c>azd up</c> would make in Azure.</summary>
public sealed class DeploymentTests(Deployment deployment) : IClassFixture<Deployment>
{
    private const string Identity = "Microsoft.ManagedIdentity/userAssignedIdentities";

    [Theory]
    [InlineData("infra/foundation/main.bicep")]
    [InlineData("infra/apps/main.bicep")]
    public async Task ItCompilesAndLintsWithoutAWord(string file) => Assert.Equal("", await Bicep.LintAsync(file));

    [Fact]
    public void EveryGpuPoolHasAProfileAndNoneHasNodeCounts()
    {
        var environment = Deployment.Of(deployment.Foundation, "Microsoft.App/managedEnvironments").Single();
        var profiles = environment.GetProperty("properties").GetProperty("workloadProfiles").EnumerateArray().ToArray();

        var expected = Pools.All.Where(pool => pool.Profile != "Consumption").Select(pool => (pool.Name, pool.Profile)).Append(("Consumption", "Consumption"));
        Assert.Equal(expected.Order(), profiles.Select(profile => (Text(profile, "name"), Text(profile, "workloadProfileType"))).Order());
        Assert.All(profiles, profile => Assert.Equal(2, profile.EnumerateObject().Count())); // a GPU profile with minimumCount is refused
        Assert.Contains(profiles, profile => Text(profile, "workloadProfileType") == "Consumption-GPU-NC8as-T4");
        Assert.Contains(profiles, profile => Text(profile, "workloadProfileType") == "Consumption-GPU-NC24-A100");
    }

    [Fact]
    public void EveryPoolIsAJobThatIsStartedForMessagesAndNeverRetried()
    {
        var jobs = Deployment.Of(deployment.Apps, "Microsoft.App/jobs").ToArray();
        Assert.Equal(Pools.All.Select(pool => ServiceNames.ExpertTrainer(pool.Name)).Order(), jobs.Select(job => Text(job, "name")).Order());
        Assert.All(deployment.Apps, service => Assert.InRange(Text(service, "name").Length, 2, 32)); // what Azure lets a job or app be called
        foreach (var pool in Pools.All)
        {
            var properties = deployment.Service(ServiceNames.ExpertTrainer(pool.Name)).GetProperty("properties");
            Assert.Equal(pool.Profile == "Consumption" ? "Consumption" : pool.Name, Text(properties, "workloadProfileName"));
            var configuration = properties.GetProperty("configuration");
            Assert.Equal(("Event", 0), (Text(configuration, "triggerType"), configuration.GetProperty("replicaRetryLimit").GetInt32()));
            var trigger = configuration.GetProperty("eventTriggerConfig");
            Assert.Equal((1, 1), (trigger.GetProperty("parallelism").GetInt32(), trigger.GetProperty("replicaCompletionCount").GetInt32()));
            var scale = trigger.GetProperty("scale");
            Assert.Equal((0, pool.MaxReplicas), (scale.GetProperty("minExecutions").GetInt32(), scale.GetProperty("maxExecutions").GetInt32()));

            // ready and unacknowledged by the management API, one message one replica; waiting ones alone where that API is out of reach
            var rules = scale.GetProperty("rules").EnumerateArray().ToArray();
            Assert.Equal(["http", "amqp"], rules.Select(rule => Text(rule.GetProperty("metadata"), "protocol")));
            Assert.All(rules, rule => Assert.Equal(("rabbitmq", QueueNames.Train(pool.Name), "QueueLength", "1"),
                (Text(rule, "type"), Text(rule.GetProperty("metadata"), "queueName"), Text(rule.GetProperty("metadata"), "mode"), Text(rule.GetProperty("metadata"), "value"))));
            Assert.All(rules, rule => Assert.DoesNotContain("excludeUnacknowledged", rule.GetRawText(), StringComparison.Ordinal));
        }
    }

    [Fact]
    public void AReplicaKnowsItsLifeAndStopsWithinThePlatformsNotice()
    {
        foreach (var pool in Pools.All)
        {
            var job = deployment.Service(ServiceNames.ExpertTrainer(pool.Name));
            var life = TimeSpan.FromSeconds(job.GetProperty("properties").GetProperty("configuration").GetProperty("replicaTimeout").GetInt32());
            Assert.Equal(life, Duration(job, SettingNames.ReplicaTimeout));
            Assert.InRange(Duration(job, SettingNames.StopNotice), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(24)); // and 6 s around it: 30 s in all
            Assert.InRange(Duration(job, SettingNames.ExitWhenIdle), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10));
            Assert.Contains(pool.Cuda ? "/ddm:{1}-cuda'" : "/ddm:{1}-cpu'", Text(Deployment.Container(job), "image"), StringComparison.Ordinal);
            Assert.Equal(pool.Name, Variables(job)[SettingNames.Variable(SettingNames.Pool)]);
        }
    }

    [Fact]
    public void OnlyTheControlPlaneIsPublicAndItAsksForAKey()
    {
        foreach (var app in Deployment.Of(deployment.Apps, "Microsoft.App/containerApps"))
        {
            var ingress = app.GetProperty("properties").GetProperty("configuration").TryGetProperty("ingress", out var found) && found.ValueKind == JsonValueKind.Object ? found : (JsonElement?)null;
            var isPublic = ingress?.GetProperty("external").GetBoolean() ?? false;
            Assert.Equal(Text(app, "name") == ServiceNames.ControlPlane, isPublic);
        }

        var controlPlane = deployment.Service(ServiceNames.ControlPlane);
        Assert.False(controlPlane.GetProperty("properties").GetProperty("configuration").GetProperty("ingress").GetProperty("allowInsecure").GetBoolean());
        Assert.Equal("api-key", Variables(controlPlane)[SettingNames.Variable(SettingNames.ApiKeys, 0)]);
    }

    [Fact]
    public void ServicesHaveOneIdentityAndNoKeys()
    {
        Assert.Single(Deployment.Of(deployment.Foundation, Identity));
        foreach (var service in deployment.Apps)
        {
            Assert.Equal("UserAssigned", Text(service.GetProperty("identity"), "type"));
            foreach (var secret in service.GetProperty("properties").GetProperty("configuration").GetProperty("secrets").EnumerateArray())
            {
                Assert.False(secret.TryGetProperty("value", out _), secret.GetRawText()); // by reference alone
                Assert.Contains("Microsoft.KeyVault/vaults", Text(secret, "keyVaultUrl"), StringComparison.Ordinal);
                Assert.Contains(Identity, Text(secret, "identity"), StringComparison.Ordinal);
            }
        }

        var store = Deployment.Of(deployment.Foundation, "Microsoft.Storage/storageAccounts").Single(account => Text(account, "name").StartsWith("stddm", StringComparison.Ordinal)).GetProperty("properties");
        Assert.False(store.GetProperty("allowSharedKeyAccess").GetBoolean());
        Assert.False(store.GetProperty("allowBlobPublicAccess").GetBoolean());
        string[] roles = ["7f951dda-4ed3-4680-a7ca-43fe172d538d", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "4633458b-17de-408a-b874-0445c86b69e6"]; // AcrPull, blob data contributor, secrets user
        var granted = Deployment.Of(deployment.Foundation, "Microsoft.Authorization/roleAssignments").Select(role => role.GetProperty("properties").GetProperty("roleDefinitionId").GetString()![^36..]);
        Assert.Equal(roles.Order(), granted.Order());
    }

    [Fact]
    public void ProcessorServicesScaleWithTheQueuesTheyRead()
    {
        var expected = new Dictionary<string, string[]>
        {
            [ServiceNames.FeatureExtractor] = [QueueNames.Ingest, QueueNames.Features],
            [ServiceNames.Clusterer] = [QueueNames.Clustering],
            [ServiceNames.RouterTrainer] = [QueueNames.Train(PoolName.Router), QueueNames.Publishing],
        };
        foreach (var (name, queues) in expected)
        {
            var scale = deployment.Service(name).GetProperty("properties").GetProperty("template").GetProperty("scale");
            Assert.Equal(0, scale.GetProperty("minReplicas").GetInt32());
            Assert.Equal(queues, scale.GetProperty("rules").EnumerateArray().Select(rule => Text(rule.GetProperty("custom").GetProperty("metadata"), "queueName")));
        }

        Assert.Equal(1, deployment.Service(ServiceNames.ControlPlane).GetProperty("properties").GetProperty("template").GetProperty("scale").GetProperty("minReplicas").GetInt32());
    }

    private static string Text(JsonElement element, string key) => element.GetProperty(key).GetString()!;

    private static TimeSpan Duration(JsonElement service, string setting)
        => TimeSpan.Parse(Variables(service)[SettingNames.Variable(setting)], System.Globalization.CultureInfo.InvariantCulture);

    private static Dictionary<string, string> Variables(JsonElement service) => Deployment.Container(service).GetProperty("env").EnumerateArray()
        .ToDictionary(variable => Text(variable, "name"), variable => variable.TryGetProperty("value", out var value) ? value.GetString()! : Text(variable, "secretRef"));
}
