using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services.Tests.Outside;

public sealed class ServerAddressTests
{
    [Theory]
    [InlineData("https://ddm.example")]
    [InlineData("https://ddm.example:8443/ddm/")]
    [InlineData("http://localhost:5080")]
    [InlineData("http://127.0.0.1:5080")]
    public void AnAddressIsTaken(string address) => Assert.Equal("a-key", From(("ConnectionStrings:controlplane", address), ("Ddm:ApiKey", "a-key"))!.Key);

    [Theory]
    [InlineData("http://ddm.example", "is not https")]
    [InlineData("ddm.example", "is no address")]
    [InlineData("ftp://ddm.example", "is no address")]
    [InlineData("https://anna:secret@ddm.example", "has no login and no query")]
    [InlineData("https://ddm.example?key=secret", "has no login and no query")]
    public void AnotherIsNot(string address, string why)
    {
        var error = Error(("ConnectionStrings:controlplane", address), ("Ddm:ApiKey", "a-key"));
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public void SettingsThatDoNotGoTogetherAreNamed()
    {
        Assert.Null(From(("ConnectionStrings:blobs", "x")));
        Assert.Contains("there is no key", Error(("ConnectionStrings:controlplane", "https://ddm.example")), StringComparison.Ordinal);
        Assert.Contains("'no-such-file' is not there", Error(("ConnectionStrings:controlplane", "https://ddm.example"), ("Ddm:ApiKeyFile", "no-such-file")), StringComparison.Ordinal);
        Assert.Contains(
            "ConnectionStrings:blobs are both set",
            Error(("ConnectionStrings:controlplane", "https://ddm.example"), ("Ddm:ApiKey", "a-key"), ("ConnectionStrings:blobs", "x")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AWrongKeyOrPoolEndsTheJoinAndAServerThatIsAwayIsWaitedFor()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var shop = await OutsideShop.OpenAsync();
        Assert.Contains("does not know this key (401)", (await Assert.ThrowsAsync<UserErrorException>(() => JoinAsync(shop.Address, "a-key-that-nobody-knows-012", "home"))).Message, StringComparison.Ordinal);
        Assert.Contains("This key is for pool 'home'", (await Assert.ThrowsAsync<UserErrorException>(() => JoinAsync(shop.Address, OutsideShop.Key, "t4"))).Message, StringComparison.Ordinal);
        Assert.StartsWith("anna/box:1:", (await JoinAsync(shop.Address, OutsideShop.Key, "home")).Identity.Name, StringComparison.Ordinal);
        Assert.StartsWith("bob/box:1:", (await JoinAsync(shop.Address, OutsideShop.BobsKey, "t4")).Identity.Name, StringComparison.Ordinal);

        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var told = new List<string>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => JoinAsync(new Uri("http://127.0.0.1:1"), OutsideShop.Key, "home", text =>
        {
            told.Add(text);
            giveUp.Cancel();
        }, giveUp.Token));
        Assert.Contains("cannot be reached", Assert.Single(told), StringComparison.Ordinal);
    }

    private static async Task<OutsideSession> JoinAsync(Uri address, string key, string pool, Action<string>? tell = null, CancellationToken? cancellationToken = null)
    {
        using var server = new ServerConnection(new ServerAddress(address, key), TimeProvider.System);
        return await OutsideSession.JoinAsync(
            server, new WorkerSettings { Pool = pool }, "box", 1, TimeProvider.System, tell ?? (_ => { }), cancellationToken ?? TestContext.Current.CancellationToken);
    }

    private static ServerAddress? From(params (string Key, string Value)[] settings) =>
        ServerAddress.From(new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value)).Build());

    private static string Error(params (string Key, string Value)[] settings) => Assert.Throws<UserErrorException>(() => From(settings)).Message;
}
