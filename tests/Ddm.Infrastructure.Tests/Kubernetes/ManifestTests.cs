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
    public void EveryFileIsAppliedButTheSecretsThatPeopleFillIn()
    {
        var applied = Manifests.List(Manifests.Kustomization, "resources").Select(node => node.ToString());
        Assert.Equal(Manifests.Files.Select(Path.GetFileName).Except(["secrets.example.yaml"]).Order(), applied.Order());
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

        var settings = Manifests.Of("ConfigMap").Single();
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
}
