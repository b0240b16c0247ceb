using System.Text.RegularExpressions;
using Ddm.Services;

namespace Ddm.Infrastructure.Tests;

/// <summary>
/// The app host and infra/ say the same. By its source: it is not built with everything else, since its packages for Azure are not to be had everywhere.
/// </summary>
public sealed partial class AppHostTests(Deployment deployment) : IClassFixture<Deployment>
{
    private static readonly string Source = string.Join('\n', Directory.EnumerateFiles(Repository.PathOf("DdmAspire.AppHost"), "*.cs").Order().Select(File.ReadAllText));

    [Fact]
    public void ItHasTheServicesThatInfraHas()
    {
        var added = Service().Matches(Source).Select(match => (Program: match.Groups[1].Value.Replace('_', '.'), Name: match.Groups[2].Value)).ToArray();
        var fixedOnes = added.Where(service => service.Name != nameof(ServiceNames.ExpertTrainer)).ToDictionary(service => NameOf(service.Name), service => $"/app/{service.Program}.dll");
        var inAzure = deployment.Apps.Where(service => service.GetProperty("type").GetString() == "Microsoft.App/containerApps" && service.GetProperty("name").GetString() != "broker")
            .ToDictionary(service => service.GetProperty("name").GetString()!, service => Deployment.Container(service).GetProperty("command")[1].GetString()!);

        Assert.Equal(inAzure.OrderBy(pair => pair.Key), fixedOnes.OrderBy(pair => pair.Key));
        Assert.Contains(("Ddm.ExpertTrainer", nameof(ServiceNames.ExpertTrainer)), added); // one for each pool
        Assert.Contains("\"../infra/pools.json\"", Source, StringComparison.Ordinal); // the same pools
    }

    [Fact]
    public void ItWritesNoNameItself()
    {
        string[] names = [.. ServiceNames.Fixed, ServiceNames.Messaging, ServiceNames.Blobs, "expert-trainer", .. QueueNames.Fixed, .. SettingNames.All, .. SettingNames.All.Select(setting => SettingNames.Variable(setting)), .. Pools.All.Select(pool => pool.Name)];
        Assert.All(names, name => Assert.DoesNotContain($"\"{name}\"", Source, StringComparison.Ordinal));
    }

    [Fact]
    public void ItsJobsAreThoseOfInfra()
    {
        var job = deployment.Service(ServiceNames.ExpertTrainer(Pools.All[0].Name)).GetProperty("properties");
        var configuration = job.GetProperty("configuration");
        var scale = configuration.GetProperty("eventTriggerConfig").GetProperty("scale");
        Assert.Equal(configuration.GetProperty("replicaTimeout").GetRawText(), Only(@"const int ReplicaTimeout = (\d+)"));
        Assert.Equal(configuration.GetProperty("replicaRetryLimit").GetRawText(), Only(@"ReplicaRetryLimit = (\d+)"));
        Assert.Equal(scale.GetProperty("pollingInterval").GetRawText(), Only(@"PollingIntervalInSeconds = (\d+)"));
        Assert.Equal(scale.GetProperty("minExecutions").GetRawText(), Only(@"MinExecutions = (\d+)"));
        Assert.Contains("queueName = QueueNames.Train(pool.Name), protocol = \"http\", mode = \"QueueLength\", value = \"1\"", Source, StringComparison.Ordinal);
        foreach (var variable in Deployment.Container(deployment.Service(ServiceNames.ExpertTrainer("t4"))).GetProperty("env").EnumerateArray())
        {
            var name = variable.GetProperty("name").GetString()!;
            if (SettingNames.All.FirstOrDefault(setting => SettingNames.Variable(setting) == name) is { } setting && !setting.StartsWith("ConnectionStrings", StringComparison.Ordinal))
            {
                Assert.Contains($"SettingNames.{setting.Split(':')[1]}", Source, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void BrokersAndContainersAreTheSameEverywhere()
    {
        var tag = Only("RabbitTag = \"([^\"]+)\"");
        Assert.EndsWith($":{tag}-management", Deployment.Container(deployment.Service("broker")).GetProperty("image").GetString(), StringComparison.Ordinal);
        Assert.EndsWith($":{tag}-management", Manifests.Text(Manifests.Pods.Single(pod => pod.Name == "broker").Spec, "containers", 0, "image"), StringComparison.Ordinal);

        var container = Only("Container = \"([^\"]+)\"");
        Assert.Contains(Deployment.Of(deployment.Foundation, "Microsoft.Storage/storageAccounts/blobServices/containers"), found => found.GetProperty("name").GetString()!.EndsWith($"/{container}", StringComparison.Ordinal));
    }

    [Fact]
    public void OneVersionOfAspire()
    {
        var version = Regex.Match(Repository.Read("Directory.Packages.props"), "<AspireVersion>(.+)</AspireVersion>").Groups[1].Value;
        Assert.Contains($"Sdk=\"Aspire.AppHost.Sdk/{version}\"", Repository.Read("DdmAspire.AppHost/DdmAspire.AppHost.csproj"), StringComparison.Ordinal);
        Assert.DoesNotMatch(@"Include=""Aspire\.[^""]+"" Version=""\[(?!\$\(AspireVersion\)\])", Repository.Read("Directory.Packages.props"));
    }

    private static string NameOf(string constant) => (string)typeof(ServiceNames).GetField(constant)!.GetValue(null)!;

    private static string Only(string pattern) => Assert.Single(Regex.Matches(Source, pattern)).Groups[1].Value;

    [GeneratedRegex(@"AddService<Projects\.(\w+)>\(ServiceNames\.(\w+)")]
    private static partial Regex Service();
}
