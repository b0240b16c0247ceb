namespace Ddm.Runs.Tests;

/// <summary>The names are a format: stores of older versions hold them.</summary>
public class BlobNamesTests
{
    [Fact]
    public void NamesAreThoseOfTheArchitecture() => Assert.Equal(
        [
            "datasets/d/manifest.json",
            "datasets/d/shards/00007.tar",
            "datasets/d/shards/00007.json",
            "runs/r/run.json",
            "runs/r/events/",
            "runs/r/features/encoder.safetensors",
            "runs/r/features/00007.safetensors",
            "runs/r/partition/centroids.safetensors",
            "runs/r/partition/manifest.json",
            "runs/r/assignments/00007.safetensors",
            "runs/r/clusters/3/manifest.json",
            "runs/r/clusters/3/00007.safetensors",
            "runs/r/clusters/3/held-out/00007.safetensors",
            "runs/r/clusters/3/contact-sheet.png",
            "runs/r/experts/3/head.json",
            "runs/r/router/owner.json",
            "runs/r/student/failure.json",
            "runs/r/router/checkpoints/0000000600-12/",
            "runs/r/evaluation/manifest.json",
            "runs/r/evaluation/samples.png",
            "runs/r/evaluation/report.html",
            "weights/abc.safetensors",
            "models/m/v1/manifest.json",
            "models/m/current.json",
        ],
        [
            BlobNames.DatasetManifest("d"),
            BlobNames.DatasetShard("d", 7),
            BlobNames.DatasetShardInfo("d", 7),
            BlobNames.RunDocument("r"),
            BlobNames.Events("r"),
            BlobNames.Encoder("r"),
            BlobNames.Features("r", 7),
            BlobNames.PartitionCentroids("r"),
            BlobNames.PartitionManifest("r"),
            BlobNames.Assignment("r", 7),
            BlobNames.ClusterManifest("r", 3),
            BlobNames.ClusterShard("r", 3, 7),
            BlobNames.ClusterHeldOutShard("r", 3, 7),
            BlobNames.ClusterContactSheet("r", 3),
            BlobNames.Head("r", Role.Expert(3)),
            BlobNames.Owner("r", Role.Router),
            BlobNames.RoleFailure("r", new Role(RoleKind.Student, 0)),
            BlobNames.Checkpoint("r", Role.Router, 600, 12),
            BlobNames.EvaluationManifest("r"),
            BlobNames.SampleGrid("r"),
            BlobNames.Report("r"),
            BlobNames.Weights("abc"),
            BlobNames.ModelManifest("m", "v1"),
            BlobNames.ModelCurrent("m"),
        ]);

    [Theory]
    [InlineData("experts/12")]
    [InlineData("router")]
    [InlineData("student")]
    public void RolesAreTheirPaths(string path) => Assert.Equal(path, Role.Parse(path).Path);

    [Theory]
    [InlineData("experts/-1")]
    [InlineData("experts/")]
    [InlineData("experts/1/2")]
    [InlineData("Router")]
    public void OtherPathsAreNoRoles(string path) =>
        Assert.Contains($"'{path}' names no role", Assert.Throws<FormatException>(() => Role.Parse(path)).Message, StringComparison.Ordinal);
}
