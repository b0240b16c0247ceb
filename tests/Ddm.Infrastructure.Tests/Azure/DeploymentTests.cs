using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Infrastructure.Tests;

/// <summary>What <c>azd up</c> would make in Azure.</summary>
public sealed class DeploymentTests(Deployment deployment)
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
    public void OnlyControlPlaneAndGatewayArePublicAndEachAsksForAKeyOfItsOwn()
    {
        foreach (var app in Deployment.Of(deployment.Apps, "Microsoft.App/containerApps"))
        {
            Assert.Equal(Text(app, "name") is ServiceNames.ControlPlane or ServiceNames.InferenceGateway, Ingress(app) is { } ingress && ingress.GetProperty("external").GetBoolean());
        }

        foreach (var (name, key) in new[] { (ServiceNames.ControlPlane, "api-key"), (ServiceNames.InferenceGateway, "gateway-key") })
        {
            var service = deployment.Service(name);
            Assert.False(Ingress(service)!.Value.GetProperty("allowInsecure").GetBoolean());
            Assert.Equal(key, Variables(service)[SettingNames.Variable(SettingNames.ApiKeys, 0)]);
            Assert.Equal("true", Variables(service)["ASPNETCORE_FORWARDEDHEADERS_ENABLED"]);
            Assert.Contains(Deployment.Of(deployment.Foundation, "Microsoft.KeyVault/vaults/secrets"), secret => Text(secret, "name").EndsWith("/" + key, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void TheGatewayIsStartedByRequestsAndEndsWhereThereAreNone()
    {
        var gateway = deployment.Service(ServiceNames.InferenceGateway);
        Assert.Equal("Consumption", Text(gateway.GetProperty("properties"), "workloadProfileName"));
        Assert.Equal((0, 1), Replicas(gateway));
        Assert.Equal("16", Text(Assert.Single(Scale(gateway).GetProperty("rules").EnumerateArray()).GetProperty("http").GetProperty("metadata"), "concurrentRequests"));
        Assert.InRange(Scale(gateway).GetProperty("cooldownPeriod").GetInt32(), 600, 3600); // a job that nobody asks after is drawn within Ddm:Gateway:Deadline, ten minutes
        AssertProbed(gateway);

        // it needs no broker, and what links lead to is what the world calls it
        var variables = Variables(gateway);
        Assert.DoesNotContain(SettingNames.Variable(SettingNames.Messaging), variables.Keys);
        Assert.DoesNotContain(Secrets(gateway), name => name.StartsWith("messaging", StringComparison.Ordinal));
        Assert.StartsWith("[format('https://inference-gateway.{0}'", variables[SettingNames.Variable(SettingNames.GatewayUrl)], StringComparison.Ordinal);
        Assert.Equal(variables[SettingNames.Variable(SettingNames.GatewayUrl)], Variables(deployment.Service(ServiceNames.ControlPlane))[SettingNames.Variable(SettingNames.PlaygroundPages)]);
        Assert.StartsWith("[format('https://control-plane.{0}'", variables[SettingNames.Variable(SettingNames.RunsPages)], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheGatewayMayKeepAGpuAndNeedsNoExpertHosts()
    {
        var apps = await Deployment.PredictAppsAsync(
            ("gatewayPool", "'t4'"), ("gatewayMinReplicas", "1"), ("gatewayMaxReplicas", "3"), ("gatewayUrl", "'https://pictures.example.com'"));
        var gateway = apps.Single(app => Text(app, "name") == ServiceNames.InferenceGateway);
        Assert.Equal("t4", Text(gateway.GetProperty("properties"), "workloadProfileName"));
        Assert.Contains("/ddm:{1}-cuda'", Text(Deployment.Container(gateway), "image"), StringComparison.Ordinal);
        Assert.Equal("56Gi", Text(Deployment.Container(gateway).GetProperty("resources"), "memory"));
        Assert.Equal((1, 3), Replicas(gateway));
        Assert.Equal("https://pictures.example.com", Variables(gateway)[SettingNames.Variable(SettingNames.GatewayUrl)]);
        Assert.DoesNotContain(Variables(gateway).Keys, name => name.Contains("ExpertHosts", StringComparison.Ordinal));
        Assert.Equal(["gateway-key"], Secrets(gateway));
        Assert.DoesNotContain(apps, app => Text(app, "name").StartsWith("expert-host", StringComparison.Ordinal));
    }

    [Fact]
    public void ExpertHostsAnswerTheGatewayAloneOverHttp2AndBehindAKey()
    {
        var gateway = Variables(deployment.Service(ServiceNames.InferenceGateway));
        for (var share = 1; share <= 2; share++)
        {
            var host = deployment.Service(ServiceNames.ExpertHost(share));
            var (ingress, variables) = (Ingress(host)!.Value, Variables(host));
            Assert.Equal((false, false, "http2"), (ingress.GetProperty("external").GetBoolean(), ingress.GetProperty("allowInsecure").GetBoolean(), Text(ingress, "transport")));
            Assert.Equal(ingress.GetProperty("targetPort").GetInt32(), new Uri(variables[SettingNames.Variable(SettingNames.HostListen)]).Port);
            Assert.Equal(("cats", $"{share}/2"), (variables[SettingNames.Variable(SettingNames.HostModel)], variables[SettingNames.Variable(SettingNames.HostExperts)]));
            Assert.Equal(gateway[SettingNames.Variable(SettingNames.HostsKey)], variables[SettingNames.Variable(SettingNames.ApiKeys, 0)]);
            Assert.Equal(["experts-key"], Secrets(host));
            Assert.StartsWith($"[format('https://expert-host-{{0}}.internal.{{1}}', {share},", gateway[SettingNames.Variable(SettingNames.HostAddresses, share - 1)], StringComparison.Ordinal);
            Assert.Equal((0, 1), Replicas(host)); // it goes with its gateway
            AssertProbed(host);
        }

        Assert.DoesNotContain(SettingNames.Variable(SettingNames.HostAddresses, 2), gateway.Keys);
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

    private static JsonElement? Ingress(JsonElement app)
        => app.GetProperty("properties").GetProperty("configuration").TryGetProperty("ingress", out var found) && found.ValueKind == JsonValueKind.Object ? found : null;

    private static JsonElement Scale(JsonElement app) => app.GetProperty("properties").GetProperty("template").GetProperty("scale");

    private static (int Least, int Most) Replicas(JsonElement app) => (Scale(app).GetProperty("minReplicas").GetInt32(), Scale(app).GetProperty("maxReplicas").GetInt32());

    private static IEnumerable<string> Secrets(JsonElement app)
        => app.GetProperty("properties").GetProperty("configuration").GetProperty("secrets").EnumerateArray().Select(secret => Text(secret, "name"));

    private static void AssertProbed(JsonElement app)
    {
        var probes = Deployment.Container(app).GetProperty("probes").EnumerateArray().ToDictionary(probe => Text(probe, "type"), probe => probe.GetProperty("httpGet"));
        Assert.Equal(("/alive", "/alive", "/health"), (Text(probes["Startup"], "path"), Text(probes["Liveness"], "path"), Text(probes["Readiness"], "path")));
        Assert.All(probes.Values, probe => Assert.Equal(8080, probe.GetProperty("port").GetInt32())); // of expert hosts too: 5095 speaks HTTP/2 alone
    }

    private static string Text(JsonElement element, string key) => element.GetProperty(key).GetString()!;

    private static TimeSpan Duration(JsonElement service, string setting)
        => TimeSpan.Parse(Variables(service)[SettingNames.Variable(setting)], System.Globalization.CultureInfo.InvariantCulture);

    private static Dictionary<string, string> Variables(JsonElement service) => Deployment.Container(service).GetProperty("env").EnumerateArray()
        .ToDictionary(variable => Text(variable, "name"), variable => variable.TryGetProperty("value", out var value) ? value.GetString()! : Text(variable, "secretRef"));
}
