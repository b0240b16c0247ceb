using Ddm.Pages;
using Ddm.Services;
using Ddm.Serving;
using Ddm.Tests;
using Microsoft.Extensions.Configuration;

namespace Ddm.Gateway.Tests;

/// <summary>An installation names no setting of gateways, expert hosts and pages that they do not read.</summary>
public sealed class SettingNamesTests
{
    [Fact]
    public void EveryNameIsRead()
    {
        var asked = new AskedConfiguration(new ConfigurationBuilder().AddInMemoryCollection(
        [
            new(SettingNames.HostModel, "cats"), new(SettingNames.HostListen, "http://0.0.0.0:5095"), new(SettingNames.HostPlain, "true"),
            new(SettingNames.HostAddresses, "http://10.0.0.1:5095"), new(SettingNames.HostsPlain, "true"), new(SettingNames.HostsKey, "a-key-of-24-characters-or-more"),
        ]).Build());

        ServingSettings.From(asked);
        FleetSettings.From(asked);
        ExpertHostSettings.From(asked);
        PageSettings.From(asked);

        string[] sections = [ServingSettings.Section, FleetSettings.Section, ExpertHostSettings.Section, PageSettings.Section];
        var named = SettingNames.All.Where(name => sections.Any(section => name.StartsWith(section + ":", StringComparison.Ordinal))).ToArray();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(asked.Keys));
    }
}
