using Ddm.Storage;
using Ddm.Tests;
using DdmAspire.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Services.Tests.Hosting;

/// <summary>An installation names no setting that its services do not read; those of pictures are Ddm.Gateway.Tests'.</summary>
public sealed class SettingNamesTests
{
    [Fact]
    public void EveryNameIsRead()
    {
        var asked = new AskedConfiguration(new ConfigurationBuilder().AddInMemoryCollection([new("Ddm:RequireApiKey", "false")]).Build());

        WorkerSettingsReader.Read(asked);
        WorkerSettingsReader.ReadManagement(asked);
        WorkerSettingsReader.ReadMetricsPort(asked);
        ApiSettings.From(asked, NullLogger.Instance);
        SourceRoots.From(asked);

        // what the host asks for by these constants
        string[] byHost = [BrokerAddress.Setting, BlobStores.Setting];
        string[] ofPictures = ["Ddm:Gateway:", "Ddm:ExpertHost", "Ddm:Pages:"];
        Assert.Empty(SettingNames.All.Where(name => !ofPictures.Any(section => name.StartsWith(section, StringComparison.Ordinal))).Except(asked.Keys).Except(byHost));
        Assert.Equal(SettingNames.MetricsPort, ServiceDefaults.MetricsPort);
    }

    [Fact]
    public void EnvironmentsSpellThemInTheirOwnWay()
    {
        Assert.Equal("ConnectionStrings__messaging", SettingNames.Variable(SettingNames.Messaging));
        Assert.Equal("Ddm__SourceRoots__0", SettingNames.Variable(SettingNames.SourceRoots, 0));
    }
}
