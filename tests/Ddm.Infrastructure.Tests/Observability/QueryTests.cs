using System.Text.Json;
using Ddm.Tests;
using YamlDotNet.RepresentationModel;

namespace Ddm.Infrastructure.Tests;

/// <summary>The dashboard and the alerts ask for metrics that there are, in queries that Prometheus understands.</summary>
public sealed class QueryTests
{
    private const string Grammar = "@prometheus-io/lezer-promql-0.315.0"; // tests/install.sh brings this version
    private static readonly string[] Suffixes = ["_bucket", "_sum", "_count"];

    [Fact]
    public async Task EveryQueryIsOneAndNamesMetricsThatThereAre()
    {
        // Grafana's own variables stand for durations
        var queries = DashboardQueries().Select(query => query.Replace("$__rate_interval", "5m", StringComparison.Ordinal).Replace("$__range", "1h", StringComparison.Ordinal)).Concat(AlertQueries()).ToArray();
        Assert.InRange(queries.Length, 10, 100);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(queries), TestContext.Current.CancellationToken);
            using var parsed = JsonDocument.Parse(await Tool.NodeAsync("check_promql.mjs", Grammar, file));
            var known = Metrics.Documented.Select(metric => metric.Prometheus).ToHashSet();
            foreach (var query in parsed.RootElement.EnumerateArray())
            {
                Assert.True(query.GetProperty("mistakes").GetArrayLength() == 0, query.GetRawText());
                var names = query.GetProperty("metrics").EnumerateArray().Select(name => name.GetString()!).ToArray();
                Assert.NotEmpty(names);
                Assert.All(names, name => Assert.Contains(Suffixes.Aggregate(name, (left, suffix) => known.Contains(left) || !left.EndsWith(suffix, StringComparison.Ordinal) ? left : left[..^suffix.Length]), known));
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void ThereIsAnAlertForWhateverIsWrong()
    {
        var alerts = Rules().ToDictionary(rule => Manifests.Text(rule, "alert")!, rule => Manifests.Text(rule, "expr")!);
        Assert.Contains("ddm_role_idle_age_seconds", alerts["DdmRoleStalled"], StringComparison.Ordinal);
        Assert.Contains("ddm_role_commit_age_seconds", alerts["DdmCommitOld"], StringComparison.Ordinal);
        Assert.Contains("increase(ddm_commits_fenced_total", alerts["DdmRepeatedFencing"], StringComparison.Ordinal);
        Assert.Contains("status=\"429\"", alerts["DdmGatewayFull"], StringComparison.Ordinal);
        Assert.Contains("ddm_gateway_pictures_total{ddm_degraded", alerts["DdmGatewayDegraded"], StringComparison.Ordinal);
        Assert.Contains("ddm_gateway_expert_host_up", alerts["DdmExpertHostDown"], StringComparison.Ordinal);
        var documented = Repository.Read("docs/observability.md");
        Assert.All(alerts.Keys, alert => Assert.Contains($"| `{alert}` |", documented, StringComparison.Ordinal));
        Assert.All(Rules(), rule => Assert.NotNull(Manifests.Text(rule, "annotations", "summary")));
    }

    private static IEnumerable<string> DashboardQueries()
    {
        using var dashboard = JsonDocument.Parse(Repository.Read("infra/observability/grafana-dashboard.json"));
        return [.. dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)];
    }

    private static IEnumerable<string> AlertQueries() => Rules().Select(rule => Manifests.Text(rule, "expr")!);

    private static List<YamlNode> Rules()
    {
        var stream = new YamlStream();
        using var reader = new StringReader(Repository.Read("infra/observability/alerts.yaml"));
        stream.Load(reader);
        return [.. Manifests.List(stream.Documents[0].RootNode, "groups").SelectMany(group => Manifests.List(group, "rules"))];
    }
}
