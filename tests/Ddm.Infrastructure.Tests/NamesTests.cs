using System.Text.Json;
using System.Text.RegularExpressions;
using Ddm.Services;

namespace Ddm.Infrastructure.Tests;

/// <summary>An installation names nothing that no service has: settings, queues, services and programs are those of the code, in Azure and in Kubernetes alike.</summary>
public sealed partial class NamesTests(Deployment deployment)
{
    // What others than our services read.
    private static readonly HashSet<string> Foreign =
    [
        "AZURE_CLIENT_ID", "AZURE_TOKEN_CREDENTIALS", // Azure.Identity
        "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", // OpenTelemetry
        "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_FORWARDEDHEADERS_ENABLED", "DOTNET_EnableDiagnostics", // .NET
        "POD_ORDINAL", // other variables of the same pod
        "RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS", // the broker's image
    ];

    private static readonly HashSet<string> Known = [.. SettingNames.All.Select(setting => SettingNames.Variable(setting)), .. Foreign];

    private static IEnumerable<string> Queues => QueueNames.Fixed.Concat(Pools.All.Select(pool => QueueNames.Train(pool.Name)));

    [Fact]
    public void EveryVariableIsReadBySomeone()
    {
        var inAzure = deployment.Apps.SelectMany(service => Deployment.Container(service).GetProperty("env").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()!));
        Assert.Empty(inAzure.Select(WithoutEntry).Except(Known));

        var inPods = Manifests.Pods.SelectMany(pod => Manifests.List(pod.Spec, "containers", 0, "env").Select(entry => Manifests.Text(entry, "name")!));
        var inMaps = Manifests.Of("ConfigMap").SelectMany(map => Keys(map, "data"));
        var inSecrets = Manifests.Of("Secret").Where(secret => Manifests.Text(secret, "metadata", "name") is not ("ddm-broker" or "ddm-experts")).SelectMany(secret => Keys(secret, "stringData"));
        Assert.Empty(inPods.Concat(inMaps).Concat(inSecrets).Select(WithoutEntry).Except(Known));
    }

    [Fact]
    public void EveryQueueIsReadByAService()
    {
        var inAzure = deployment.Apps.SelectMany(service => QueueName().Matches(service.GetRawText()).Select(match => match.Groups[1].Value)).ToHashSet();
        var inPods = Manifests.All.SelectMany(node => Manifests.List(node, "spec", "triggers")).Select(trigger => Manifests.Text(trigger, "metadata", "queueName")!).ToHashSet();

        Assert.NotEmpty(inAzure);
        Assert.Empty(inAzure.Except(Queues));
        Assert.Equal(inAzure.Order(), inPods.Order());
    }

    [Fact]
    public void EveryServiceRunsTheProgramOfItsName()
    {
        var inAzure = deployment.Apps.Where(service => service.GetProperty("name").GetString() != "broker")
            .ToDictionary(service => service.GetProperty("name").GetString()!, service => Deployment.Container(service).GetProperty("command")[1].GetString()!);
        var inPods = Manifests.Pods.Where(pod => pod.Name != "broker").ToDictionary(pod => pod.Name, pod => Manifests.Text(pod.Spec, "containers", 0, "command", 1)!);
        var expected = ServiceNames.Fixed.ToDictionary(name => name, ProgramOf)
            .Concat(Pools.All.Select(pool => KeyValuePair.Create(ServiceNames.ExpertTrainer(pool.Name), "/app/Ddm.ExpertTrainer.dll"))).OrderBy(pair => pair.Key).ToArray();

        const string HostProgram = "/app/Ddm.ExpertHost.dll";
        var hosts = Enumerable.Range(1, 2).Select(share => KeyValuePair.Create(ServiceNames.ExpertHost(share), HostProgram));

        Assert.Equal(expected.Concat(hosts).OrderBy(pair => pair.Key), inAzure.OrderBy(pair => pair.Key));
        Assert.Equal(expected.Append(KeyValuePair.Create("expert-host", HostProgram)).OrderBy(pair => pair.Key), inPods.OrderBy(pair => pair.Key)); // whose pods have the names
        Assert.All(expected.Concat(hosts), pair => Assert.True(Directory.Exists(Repository.PathOf($"src/services/{Path.GetFileNameWithoutExtension(pair.Value)}")), pair.Value));
    }

    [Fact]
    public void ServicesFindBrokerAndStoreUnderTheirNames()
    {
        foreach (var service in deployment.Apps.Where(service => service.GetProperty("name").GetString() != "broker"))
        {
            var variables = Deployment.Container(service).GetProperty("env").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()).ToHashSet();
            Assert.Contains(SettingNames.Variable(SettingNames.Blobs), variables);
            Assert.Equal(!NeedsNoBroker(service.GetProperty("name").GetString()!), variables.Contains(SettingNames.Variable(SettingNames.Messaging)));
        }
    }

    [Fact]
    public void AzdFindsWhatItsProjectFileNames()
    {
        var text = Repository.Read("azure.yaml");
        foreach (Match path in LayerPath().Matches(text))
        {
            Assert.True(File.Exists(Repository.PathOf($"{path.Groups[1].Value}/main.bicep")), path.Value);
            using var parameters = JsonDocument.Parse(Repository.Read($"{path.Groups[1].Value}/main.parameters.json"));
            var declared = Parameter().Matches(Repository.Read($"{path.Groups[1].Value}/main.bicep")).Select(match => match.Groups[1].Value).ToHashSet();
            Assert.Empty(parameters.RootElement.GetProperty("parameters").EnumerateObject().Select(parameter => parameter.Name).Except(declared));
        }

        Assert.Equal(2, LayerPath().Count(text));
        Assert.True(File.Exists(Repository.PathOf("infra/images.sh")));

        // what the second layer is told is what the first or the images leave behind
        var left = Output().Matches(Repository.Read("infra/foundation/main.bicep")).Select(match => match.Groups[1].Value).Concat(["AZURE_ENV_NAME", "DDM_IMAGE_TAG", .. Documented().Matches(Repository.Read("docs/azure.md")).Select(match => match.Groups[1].Value)]).ToHashSet();
        Assert.Empty(Substituted().Matches(Repository.Read("infra/apps/main.parameters.json")).Select(match => match.Groups[1].Value).Except(left));
        Assert.Contains("azd env set DDM_IMAGE_TAG", Repository.Read("infra/images.sh"), StringComparison.Ordinal);
    }

    private static bool NeedsNoBroker(string service) => service == ServiceNames.InferenceGateway || service.StartsWith("expert-host-", StringComparison.Ordinal);

    private static string ProgramOf(string service)
        => $"/app/Ddm.{string.Concat(service.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]))}.dll";

    private static IEnumerable<string> Keys(YamlDotNet.RepresentationModel.YamlNode node, string map)
        => ((YamlDotNet.RepresentationModel.YamlMappingNode)Manifests.At(node, map)!).Children.Keys.Select(key => key.ToString());

    private static string WithoutEntry(string variable) => Entry().Replace(variable, "");

    [GeneratedRegex(@"__\d+$")]
    private static partial Regex Entry();

    [GeneratedRegex("\"queueName\":\\s*\"([^\"]+)\"")]
    private static partial Regex QueueName();

    [GeneratedRegex(@"^\s+path: (\S+)$", RegexOptions.Multiline)]
    private static partial Regex LayerPath();

    [GeneratedRegex(@"^param (\w+) ", RegexOptions.Multiline)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^output (\w+) ", RegexOptions.Multiline)]
    private static partial Regex Output();

    [GeneratedRegex(@"`(DDM_\w+)`")]
    private static partial Regex Documented();

    [GeneratedRegex(@"\$\{(\w+)")]
    private static partial Regex Substituted();
}
