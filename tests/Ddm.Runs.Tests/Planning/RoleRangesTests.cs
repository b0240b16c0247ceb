using System.Text.Json;

namespace Ddm.Runs.Tests;

/// <summary>The short text of a set of roles is a format: documents of older versions hold it.</summary>
public class RoleRangesTests
{
    [Theory]
    [InlineData("experts/0-3,7 router student", "student", "experts/7", "experts/2", "router", "experts/0", "experts/3", "experts/1")]
    [InlineData("experts/5", "experts/5")]
    [InlineData("experts/0,2", "experts/2", "experts/0")]
    [InlineData("router", "router")]
    [InlineData("")]
    public void RolesAreARangeEach(string text, params string[] roles)
    {
        Assert.Equal(text, RoleRanges.Format(roles.Select(Role.Parse)));
        Assert.Equal(roles.Order(), RoleRanges.Parse(text).Select(role => role.Path).Order());
    }

    [Fact]
    public void ADocumentMayNameAsManyExpertsAsARunCouldEverHave()
    {
        Assert.Equal(4096, RoleRanges.Parse("experts/0-4095").Count());
        Assert.Throws<JsonException>(() => RoleRanges.Parse("experts/4096").Count());
    }

    [Theory]
    [InlineData("experts/0-x", "'0-x' is no range of experts")]
    [InlineData("nobody", "'nobody' names no role")]
    public void WhatIsNoSetOfRolesIsNamed(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<JsonException>(() => RoleRanges.Parse(text).Count()).Message, StringComparison.Ordinal);
}
