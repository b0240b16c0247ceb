using Ddm.Tests;

namespace Ddm.Cli.Tests;

/// <summary>What <c>ddm up</c> refuses before it starts anything.</summary>
public sealed class UpCommandTests
{
    [Theory]
    [InlineData("--pool 'A100': expected NAME or NAME:N", "--pool", "A100")]
    [InlineData("--pool '../x:2': expected NAME or NAME:N", "--pool", "../x:2")]
    [InlineData("--pool 'a:b:c': expected NAME or NAME:N", "--pool", "a:b:c")]
    [InlineData("'0' is no number of trainers; expected 1 to 64", "--pool", "a100:0")]
    [InlineData("'two' is no number of trainers", "--pool", "a100:two")]
    [InlineData("'' is no number of trainers", "--pool", "a100:")]
    [InlineData("'a100' stands twice", "--pool", "a100:1", "--pool", "a100")]
    [InlineData("65 trainers in all; at most 64", "--pool", "a100:64", "--pool", "t4")]
    [InlineData("is the router trainer's own pool", "--pool", "router")]
    [InlineData("give either --pool or --trainers: --pool local:2", "--pool", "a100", "--trainers", "2")]
    [InlineData("--trainers 0: there are 1 to 64", "--trainers", "0")]
    [InlineData("--port 0: a port is from 1 to 65000", "--port", "0")]
    public async Task AWrongWordIsNamed(string told, params string[] arguments)
    {
        using var tiny = new TinyFolder();
        var (code, output, errors) = await DdmProcess.RunAsync(["up", "--home", tiny.Home, .. arguments]);
        Assert.True((code, output) == (2, "") && errors.Contains(told, StringComparison.Ordinal), $"{code} {output} {errors}");
        Assert.False(Directory.Exists(tiny.Home));
    }

    [Fact]
    public void PoolsAreStartedInTheOrderInWhichTheyAreNamed()
    {
        var plans = ServicePlan.All(6000, UpPool.ReadAll(["a100:2", "t4"]));
        Assert.Equal(
            ["expert-trainer-a100-0 a100 6004", "expert-trainer-a100-1 a100 6005", "expert-trainer-t4-0 t4 6006"],
            plans.Where(plan => plan.Program == "Ddm.ExpertTrainer").Select(plan => $"{plan.Name} {plan.Pool} {plan.Port}"));
        Assert.Equal("inference-gateway 6007", $"{plans[^1].Name} {plans[^1].Port}");
        Assert.Equal("expert-trainer-0", ServicePlan.All(6000, [new UpPool("local", 1)])[^2].Name);
    }
}
