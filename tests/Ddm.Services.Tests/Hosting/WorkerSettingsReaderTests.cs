using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services.Tests.Hosting;

public sealed class WorkerSettingsReaderTests
{
    [Fact]
    public void SettingsAreReadAndTheRestHasItsDefaults()
    {
        var settings = WorkerSettingsReader.Read(Configuration(("Ddm:Pool", "a100"), ("Ddm:StopNotice", "00:02:00"), ("Ddm:Worker", "node-7")));

        Assert.Equal(("a100", "node-7", TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(30)), (settings.Pool, settings.Worker, settings.StopNotice, settings.AcknowledgementTimeout));
    }

    [Theory]
    [InlineData("Ddm:StopNotice", "20")]
    [InlineData("Ddm:StopNotice", "-00:00:20")]
    [InlineData("Ddm:OwnerTimeout", "soon")]
    [InlineData("Ddm:ReconcileEvery", "00:00:00")]
    [InlineData("Ddm:DeviceShare", "0")]
    [InlineData("Ddm:DeviceShare", "1.5")]
    [InlineData("Ddm:DeviceShare", "NaN")]
    [InlineData("Ddm:DeviceShare", "half")]
    [InlineData("Ddm:ReplicaTimeout", "6")]
    [InlineData("Ddm:ExitWhenIdle", "-00:01:00")]
    [InlineData("Ddm:Pool", "A 100")]
    [InlineData("Ddm:Worker", "a:b")]
    [InlineData("Ddm:LocalFolder", "here")]
    public void AWrongOneIsNamed(string setting, string value)
    {
        var error = Assert.Throws<UserErrorException>(() => WorkerSettingsReader.Read(Configuration((setting, value))));

        Assert.Contains($"{setting}: '{value}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none", null)]
    [InlineData("/scratch/ddm", "/scratch/ddm")]
    public void TheFolderForStatesBetweenCommitsIsSaidOrThePersonsOwn(string text, string? folder)
    {
        Assert.Equal(folder, WorkerSettingsReader.Read(Configuration(("Ddm:LocalFolder", text))).LocalFolder);
        Assert.True(Path.IsPathFullyQualified(WorkerSettingsReader.Read(Configuration()).LocalFolder!));
    }

    [Fact]
    public void AReplicaMustLiveLongEnoughToStop()
    {
        var error = Assert.Throws<UserErrorException>(() => WorkerSettingsReader.Read(Configuration(("Ddm:ReplicaTimeout", "00:01:30"))));
        Assert.Contains("Ddm:ReplicaTimeout: 00:01:30 leaves no time", error.Message, StringComparison.Ordinal);

        var settings = WorkerSettingsReader.Read(Configuration(("Ddm:ReplicaTimeout", "06:00:00"), ("Ddm:ExitWhenIdle", "00:01:00")));
        Assert.Equal((TimeSpan.FromHours(4.8), TimeSpan.FromMinutes(1)), (settings.DrainAfter, settings.ExitWhenIdle));
        Assert.Null(new WorkerSettings().DrainAfter);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("http")]
    public void APortForMetricsIsAPort(string value)
    {
        var error = Assert.Throws<UserErrorException>(() => WorkerSettingsReader.ReadMetricsPort(Configuration(("Ddm:MetricsPort", value))));
        Assert.Contains($"Ddm:MetricsPort: '{value}'", error.Message, StringComparison.Ordinal);
        Assert.Equal(9464, WorkerSettingsReader.ReadMetricsPort(Configuration(("Ddm:MetricsPort", "9464"))));
        Assert.Null(WorkerSettingsReader.ReadMetricsPort(Configuration()));
    }

    private static IConfiguration Configuration(params (string Key, string Value)[] values)
        => new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(value => value.Key, value => (string?)value.Value)).Build();
}
