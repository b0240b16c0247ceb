using System.Text.RegularExpressions;
using Ddm.Services;

namespace Ddm.Infrastructure.Tests;

/// <summary>
/// The app host and infra/ say the same. By its source: it is not built with everything else, since its packages for Azure are not to be had everywhere.
/// </summary>
public sealed partial class AppHostTests(Deployment deployment)
{
    private static readonly string Source = string.Join('\n', Directory.EnumerateFiles(Repository.PathOf("DdmAspire.AppHost"), "*.cs").Order().Select(File.ReadAllText));

    [Fact]
    public void ItHasTheServicesThatInfraHas()
    {
        var added = Service().Matches(Source).Select(match => (Program: match.Groups[1].Value.Replace('_', '.'), Name: match.Groups[2].Value)).ToArray();
        var fixedOnes = added.Where(service => service.Name is not (nameof(ServiceNames.ExpertTrainer) or nameof(ServiceNames.ExpertHost))).ToDictionary(service => NameOf(service.Name), service => $"/app/{service.Program}.dll");
        var inAzure = deployment.Apps.Where(service => service.GetProperty("type").GetString() == "Microsoft.App/containerApps" && !service.GetProperty("name").GetString()!.StartsWith("expert-host-", StringComparison.Ordinal) && service.GetProperty("name").GetString() != "broker")
            .ToDictionary(service => service.GetProperty("name").GetString()!, service => Deployment.Container(service).GetProperty("command")[1].GetString()!);

        Assert.Equal(inAzure.OrderBy(pair => pair.Key), fixedOnes.OrderBy(pair => pair.Key));
        Assert.Contains(("Ddm.ExpertTrainer", nameof(ServiceNames.ExpertTrainer)), added); // one for each pool
        Assert.Contains(("Ddm.ExpertHost", nameof(ServiceNames.ExpertHost)), added); // one for each share, where there is a model that needs them
        Assert.Contains("\"../infra/pools.json\"", Source, StringComparison.Ordinal); // the same pools
    }

    [Fact]
    public void ItWritesNoNameItself()
    {
        string[] names = [.. ServiceNames.Fixed, ServiceNames.Messaging, ServiceNames.Blobs, "expert-trainer", "expert-host", .. QueueNames.Fixed, .. SettingNames.All, .. SettingNames.All.Select(setting => SettingNames.Variable(setting)), .. Pools.All.Select(pool => pool.Name)];
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
    public void WhatServesPicturesIsThatOfInfra()
    {
        // the same choices, the same defaults
        using var settings = System.Text.Json.JsonDocument.Parse(Repository.Read("DdmAspire.AppHost/appsettings.json"));
        var bicep = Regex.Matches(Repository.Read("infra/apps/main.bicep"), @"^param ((?:gateway|expertHosts)\w+) \w+ = '?([^'\n]*)'?$", RegexOptions.Multiline).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        foreach (var (section, prefix) in new[] { ("Gateway", "gateway"), ("ExpertHosts", "expertHosts") })
        {
            Assert.All(settings.RootElement.GetProperty(section).EnumerateObject(), setting => Assert.Equal(bicep[prefix + setting.Name], setting.Value.ToString()));
        }

        // what infra/ tells gateway and hosts, the app host tells them too
        foreach (var service in new[] { ServiceNames.InferenceGateway, ServiceNames.ExpertHost(1) })
        {
            var told = Deployment.Container(deployment.Service(service)).GetProperty("env").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()!).ToHashSet();
            foreach (var constant in typeof(SettingNames).GetFields().Where(field => field.IsLiteral && field.Name is not (nameof(SettingNames.Blobs) or nameof(SettingNames.GatewayUrl))))
            {
                if (told.Any(name => Regex.Replace(name, @"__\d+$", "") == SettingNames.Variable((string)constant.GetValue(null)!)))
                {
                    Assert.Contains($"SettingNames.{constant.Name}", Source, StringComparison.Ordinal);
                }
            }
        }

        var host = deployment.Service(ServiceNames.ExpertHost(1)).GetProperty("properties").GetProperty("configuration").GetProperty("ingress");
        Assert.Equal(host.GetProperty("targetPort").GetRawText(), Only(@"const int HostPort = (\d+)"));
        var scale = deployment.Service(ServiceNames.InferenceGateway).GetProperty("properties").GetProperty("template").GetProperty("scale");
        Assert.Equal(scale.GetProperty("rules")[0].GetProperty("http").GetProperty("metadata").GetProperty("concurrentRequests").GetString(), Only("const string RequestsOfAReplica = \"([^\"]+)\""));
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

    [GeneratedRegex(@"Add(?:Service|Server)<Projects\.(\w+)>\(ServiceNames\.(\w+)")]
    private static partial Regex Service();
}
