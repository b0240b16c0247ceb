using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;

namespace Ddm.Runs.Tests;

public class RunDocumentTests
{
    private static readonly NumericsClass Cpu = new("cpu-avx512", "float32", 32, 2, "libtorch 2.10.0; TorchSharp 0.107.0", true);

    private static readonly JsonSerializerOptions[] Dresses =
    [
        JsonSerializerOptions.Default,
        new(JsonSerializerDefaults.Web),
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true },
    ];

    [Fact]
    public void ADocumentComesBackAsItWas() => Gen.Select(
        Gen.Int[1, 40], Gen.Enum<RunStage>(), Gen.Enum<RunStatus>(), Gen.Enum<RoleStatus>().Array[41], Gen.Int[0, 2]).Sample((experts, stage, status, roles, dress) =>
    {
        RoleDecision[] none = [];
        var fresh = Planned(experts);
        var run = fresh with
        {
            Stage = stage,
            Status = status,
            Failure = status == RunStatus.Failed ? "experts/0 failed" : null,
            ModelVersion = "v1",
            Roles = [.. fresh.Roles.Select((role, i) => role with { Status = roles[i], Failure = roles[i] == RoleStatus.Failed ? $"reason {i % 3}" : null })],
        };
        var again = RoundTrip(run, Dresses[dress]);

        Assert.Equal(run.Roles, again.Roles);
        Assert.Equal(run.Numerics.OrderBy(pair => pair.Key), again.Numerics.OrderBy(pair => pair.Key));
        Assert.Equal(RunSpecReader.Canonical(run.Spec), RunSpecReader.Canonical(again.Spec));
        Assert.Equal(run with { Roles = none, Numerics = fresh.Numerics, Spec = fresh.Spec }, again with { Roles = none, Numerics = fresh.Numerics, Spec = fresh.Spec });
    });

    [Fact]
    public void AThousandExpertsFitIn64KilobytesAtTheWorst()
    {
        var run = Planned(1024);
        var failed = run.Roles.ToDictionary(role => role.Role, role => $"{role.Role} {new string('x', 2000)}");
        var half = run.Roles.Where((_, i) => i % 2 == 0).ToDictionary(role => role.Role, _ => 600L);
        var names = string.Join(", ", Enumerable.Range(0, 1000).Select(i => string.Create(CultureInfo.InvariantCulture, $"class number {i}")));
        var text = Specs.Small.Replace("image_size: 28", $"image_size: 28\n  class_names: [{names}]", StringComparison.Ordinal);
        run = run with { Stage = RunStage.Train, Spec = RunSpecReader.Read(text, "s.yaml"), SpecText = text };
        var plan = Planner.Plan(run, new RunObservation { Stage = RunStage.Train, FailedRoles = failed, CommittedSteps = half });

        Assert.Equal(512, plan.Document.Roles.Count(role => role.Status == RoleStatus.Failed));
        Assert.InRange(Encoding.UTF8.GetByteCount(JsonSerializer.Serialize(plan.Document)), 1, 64 * 1024);
    }

    [Theory]
    [InlineData("experts/0-99999999")]
    [InlineData("experts/3-1")]
    [InlineData("experts/-1")]
    [InlineData("experts/")]
    [InlineData("nobody")]
    public void ADamagedDocumentIsRefused(string roles)
    {
        var json = JsonSerializer.Serialize(Planned(4)).Replace("experts/0-3", roles, StringComparison.Ordinal);
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<RunDocument>(json));
    }

    private static RunDocument Planned(int experts)
    {
        var run = Planner.Plan(Specs.Document(Specs.WithExperts(experts)), new RunObservation { Stage = RunStage.Ingest }).Document;
        return run with { Numerics = run.Roles.ToDictionary(role => role.Role, role => role.Role == "router" ? Cpu with { MicroBatch = 64 } : Cpu) };
    }

    private static RunDocument RoundTrip(RunDocument run, JsonSerializerOptions options) =>
        JsonSerializer.Deserialize<RunDocument>(JsonSerializer.Serialize(run, options), options)!;
}
