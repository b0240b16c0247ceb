using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Infrastructure.Tests;

/// <summary>The second home: Kubernetes with KEDA.</summary>
public sealed class ManifestTests
{
    private const string Schemas = "kubernetes-models-5.1.0"; // tests/install.sh brings this version

    [Fact]
    public async Task EveryObjectFitsTheSchemaOfItsKind()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, Manifests.ToJson(), TestContext.Current.CancellationToken);
            Assert.Equal("", await Tool.NodeAsync("check_manifests.mjs", Schemas, file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void EveryFileIsAppliedButExamplesThatPeopleFillIn()
    {
        foreach (var folder in Manifests.Folders)
        {
            var list = Manifests.ListIn(folder);
            var applied = Manifests.List(list, "resources").Select(node => node.ToString());
            Assert.Equal(Manifests.FilesIn(folder).Select(Path.GetFileName).Where(file => !file!.EndsWith(".example.yaml", StringComparison.Ordinal)).Order(), applied.Order());
            Assert.All(Manifests.List(list, "patches"), patch => Assert.True(File.Exists(Path.Combine(folder, Manifests.Text(patch, "path")!))));
        }
    }

    [Fact]
    public void EveryPoolIsAScaledJobOneReplicaAMessage()
    {
        foreach (var pool in Pools.All)
        {
            var job = Manifests.Of("ScaledJob").Single(node => Manifests.Text(node, "metadata", "name") == ServiceNames.ExpertTrainer(pool.Name));
            Assert.Equal(pool.MaxReplicas.ToString(System.Globalization.CultureInfo.InvariantCulture), Manifests.Text(job, "spec", "maxReplicaCount"));
            Assert.Equal(("0", "1", "1"), (Manifests.Text(job, "spec", "jobTargetRef", "backoffLimit"), Manifests.Text(job, "spec", "jobTargetRef", "parallelism"), Manifests.Text(job, "spec", "jobTargetRef", "completions")));
            var triggers = Manifests.List(job, "spec", "triggers").ToArray();
            Assert.Equal(["http", "amqp"], triggers.Select(trigger => Manifests.Text(trigger, "metadata", "protocol")));
            Assert.All(triggers, trigger => Assert.Equal((QueueNames.Train(pool.Name), "QueueLength", "1"),
                (Manifests.Text(trigger, "metadata", "queueName"), Manifests.Text(trigger, "metadata", "mode"), Manifests.Text(trigger, "metadata", "value"))));
            Assert.Equal(pool.Cuda, Manifests.Text(job, "spec", "jobTargetRef", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu") == "1");
            Assert.Equal(pool.Cuda ? "ddm-cuda" : "ddm", Manifests.Text(job, "spec", "jobTargetRef", "template", "spec", "containers", 0, "image"));
        }

        Assert.Equal(Pools.All.Count, Manifests.Of("ScaledJob").Count());
    }

    [Fact]
    public void AJobKnowsItsLifeAndEveryPodHasTimeToStop()
    {
        foreach (var job in Manifests.Of("ScaledJob"))
        {
            var life = TimeSpan.FromSeconds(int.Parse(Manifests.Text(job, "spec", "jobTargetRef", "activeDeadlineSeconds")!, System.Globalization.CultureInfo.InvariantCulture));
            var pod = Manifests.At(job, "spec", "jobTargetRef", "template", "spec")!;
            var said = Manifests.List(pod, "containers", 0, "env").Single(entry => Manifests.Text(entry, "name") == SettingNames.Variable(SettingNames.ReplicaTimeout));
            Assert.Equal(life, TimeSpan.Parse(Manifests.Text(said, "value")!, System.Globalization.CultureInfo.InvariantCulture));
        }

        var settings = Manifests.Of("ConfigMap").Single(map => Manifests.Text(map, "metadata", "name") == "ddm-settings");
        var notice = TimeSpan.Parse(Manifests.Text(settings, "data", SettingNames.Variable(SettingNames.StopNotice))!, System.Globalization.CultureInfo.InvariantCulture);
        foreach (var (name, pod) in Manifests.Pods.Where(pod => pod.Name != "broker"))
        {
            var grace = int.Parse(Manifests.Text(pod, "terminationGracePeriodSeconds")!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(notice + TimeSpan.FromSeconds(6) <= TimeSpan.FromSeconds(grace), name); // docs/operations.md, Stopping
        }
    }

    [Fact]
    public void NothingRunsAsRootOrWritesItsOwnFiles()
    {
        foreach (var (name, pod) in Manifests.Pods)
        {
            Assert.True(Manifests.Text(pod, "securityContext", "runAsNonRoot") == "true", name);
            Assert.Equal("false", Manifests.Text(pod, "automountServiceAccountToken"));
            Assert.Equal("false", Manifests.Text(pod, "containers", 0, "securityContext", "allowPrivilegeEscalation"));
            Assert.Equal("ALL", Manifests.Text(pod, "containers", 0, "securityContext", "capabilities", "drop", 0));
            if (name != "broker")
            {
                Assert.Equal("true", Manifests.Text(pod, "containers", 0, "securityContext", "readOnlyRootFilesystem"));
            }
        }
    }

    [Fact]
    public void ScaledServicesAreStartedByTheQueuesTheyRead()
    {
        var expected = new Dictionary<string, string[]>
        {
            [ServiceNames.FeatureExtractor] = [QueueNames.Ingest, QueueNames.Features],
            [ServiceNames.Clusterer] = [QueueNames.Clustering],
            [ServiceNames.RouterTrainer] = [QueueNames.Train(PoolName.Router), QueueNames.Publishing],
        };
        Assert.Equal(expected.Keys.Order(), Manifests.Of("ScaledObject").Select(node => Manifests.Text(node, "spec", "scaleTargetRef", "name")!).Order());
        foreach (var node in Manifests.Of("ScaledObject"))
        {
            Assert.Equal(expected[Manifests.Text(node, "spec", "scaleTargetRef", "name")!], Manifests.List(node, "spec", "triggers").Select(trigger => Manifests.Text(trigger, "metadata", "queueName")));
        }
    }

    [Fact]
    public void OnlyControlPlaneAndGatewayAreReachedByEverybody()
    {
        var open = Manifests.Of("NetworkPolicy").Where(policy => Manifests.List(policy, "spec", "ingress").Any(rule => Manifests.At(rule, "from") is null));
        Assert.Equal([ServiceNames.ControlPlane, ServiceNames.InferenceGateway], open.Select(policy => Manifests.Text(policy, "spec", "podSelector", "matchLabels", "app.kubernetes.io/name")).Order());
        Assert.All(open, policy => Assert.Equal("8080", Manifests.Text(Assert.Single(Manifests.List(policy, "spec", "ingress")), "ports", 0, "port"))); // not their metrics

        var hosts = Assert.Single(Manifests.Of("NetworkPolicy"), policy => Manifests.Text(policy, "spec", "podSelector", "matchLabels", "app.kubernetes.io/name") == "expert-host");
        Assert.Equal(ServiceNames.InferenceGateway, Manifests.Text(Assert.Single(Manifests.List(hosts, "spec", "ingress")), "from", 0, "podSelector", "matchLabels", "app.kubernetes.io/name"));
        var broker = Manifests.Of("NetworkPolicy").Single(policy => Manifests.Text(policy, "metadata", "name") == "broker");
        Assert.Equal([ServiceNames.InferenceGateway, "expert-host"], Manifests.List(broker, "spec", "ingress", 0, "from", 0, "podSelector", "matchExpressions", 0, "values").Select(name => name.ToString()));
        Assert.All(Manifests.Of("Service"), service => Assert.True(Manifests.Text(service, "spec", "type") is null or "ClusterIP", Manifests.Text(service, "metadata", "name")));
    }

    [Fact]
    public void TheGatewayHasAKeyOfItsOwnAndWhatItWritesGoesToTheStoreOrTmp()
    {
        foreach (var (name, pod) in Manifests.Pods.Where(pod => pod.Name is "inference-gateway" or "expert-host"))
        {
            var secrets = Manifests.List(pod, "containers", 0, "envFrom").Select(from => Manifests.Text(from, "secretRef", "name")).Where(secret => secret is not null);
            Assert.Equal(name == "expert-host" ? [] : ["ddm-gateway-keys"], secrets); // neither the broker's address nor the control plane's keys
            Assert.Equal("ddm-connections", Manifests.Text(Variable(pod, SettingNames.Blobs), "valueFrom", "secretKeyRef", "name"));
            Assert.Equal("ddm-experts", Manifests.Text(name == "expert-host" ? Variable(pod, SettingNames.ApiKeys, 0) : Variable(pod, SettingNames.HostsKey), "valueFrom", "secretKeyRef", "name"));
            Assert.Equal("/tmp", Manifests.Text(Assert.Single(Manifests.List(pod, "containers", 0, "volumeMounts")), "mountPath"));
        }
    }

    [Fact]
    public void ExpertHostsHoldEveryShareAndAreAskedByName()
    {
        var set = Assert.Single(Manifests.Of("StatefulSet"));
        var pod = (YamlDotNet.RepresentationModel.YamlMappingNode)Manifests.At(set, "spec", "template", "spec")!;
        var (replicas, port) = (Manifests.Text(set, "spec", "replicas")!, new Uri(Manifests.Text(Variable(pod, SettingNames.HostListen), "value")!).Port);
        Assert.Equal("1", Manifests.Text(set, "spec", "ordinals", "start")); // shares are counted from 1
        Assert.Equal($"$(POD_ORDINAL)/{replicas}", Manifests.Text(Variable(pod, SettingNames.HostExperts), "value"));
        Assert.Contains(Manifests.List(pod, "containers", 0, "ports"), entry => Manifests.Text(entry, "containerPort") == port.ToString(System.Globalization.CultureInfo.InvariantCulture));

        var map = Manifests.Of("ConfigMap").Single(node => Manifests.Text(node, "metadata", "name") == "ddm-expert-hosts");
        var asked = Enumerable.Range(0, int.Parse(replicas, System.Globalization.CultureInfo.InvariantCulture)).Select(i => Manifests.Text(map, "data", SettingNames.Variable(SettingNames.HostAddresses, i)));
        Assert.Equal(asked, Enumerable.Range(1, asked.Count()).Select(share => $"http://{ServiceNames.ExpertHost(share)}.{Manifests.Text(set, "spec", "serviceName")}:{port}"));
        Assert.Contains(Manifests.Of("Service"), service => Manifests.Text(service, "metadata", "name") == Manifests.Text(set, "spec", "serviceName") && Manifests.Text(service, "spec", "clusterIP") == "None");
    }

    [Fact]
    public void TheGatewayMayHaveAGpu()
    {
        var gateway = Assert.Single(Manifests.Patched);
        var container = Manifests.At(gateway, "spec", "template", "spec", "containers", 0)!;
        Assert.Equal((ServiceNames.InferenceGateway, "ddm-cuda", "1"), (Manifests.Text(container, "name"), Manifests.Text(container, "image"), Manifests.Text(container, "resources", "limits", "nvidia.com/gpu")));
        Assert.Contains(Pools.All, pool => pool.Cuda && pool.Name == Manifests.Text(gateway, "spec", "template", "spec", "nodeSelector", "ddm/pool"));
        Assert.Equal("0", Manifests.Text(gateway, "spec", "strategy", "rollingUpdate", "maxSurge")); // there may be no second GPU
        Assert.Equal("true", Manifests.Text(container, "securityContext", "readOnlyRootFilesystem")); // what the patch does not name stays
    }

    private static YamlDotNet.RepresentationModel.YamlNode Variable(YamlDotNet.RepresentationModel.YamlNode pod, string setting, int? entry = null)
        => Manifests.List(pod, "containers", 0, "env").Single(variable => Manifests.Text(variable, "name") == SettingNames.Variable(setting, entry));
}
