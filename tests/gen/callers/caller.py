import asyncio
import sys

import weft
from made import Mesh, Product, Tree


async def walk(mesh: Mesh) -> tuple[float, str]:
    steps = mesh.shop.watch.steps()
    await anext(steps)
    return await steps.asend("back")


async def main(address: str) -> None:
    async with weft.connect(address, name="caller") as node:
        mesh = Mesh(node)
        found: Product = await mesh.shop.find(weft.options(timeout=20), id=7)
        print(found["name"], found.get("class"), found["unit-price"], found["category"]["name"])
        print((await mesh.shop.find(id=8, class_="new"))["class"])
        print(len(await mesh.shop.list()), [each["id"] for each in await mesh.shop.list(limit=2)])
        print(await mesh.shop.add(product={"id": 1, "name": "x", "unit-price": None}))
        print(await mesh.shop.paint(colour="dark-green"))
        print(await mesh.shop.area(shape={"kind": "circle", "radius": 2}), await mesh.shop.area(shape={"kind": "square", "side": 3}))
        tree: Tree = await mesh.shop.tree(tree={"value": 1, "children": []})
        print(tree.get("value"), tree["children"][0].get("value"))
        print(await mesh.shop.class_(from_="a", list="b", self_="c", my_name="d", my_name_2="e"))
        print(await mesh.shop.m2_for_1() + 10 * await mesh.shop.m2_for_1_2())
        await mesh.shop.clear()
        print(await mesh.shop.anything(a=[1]))
        route = await mesh.shop.locate(from_=(1, "a"))
        count, rest = route["next"]
        print(route["at"], count, rest and rest.get("next"))
        prices: list[float] = [price async for price in mesh.shop.watch.prices(weft.options(window=4), id=9)]
        print(prices)
        counted = mesh.demo.count(to=1_000_000)
        async for number in counted:
            if number == 3:
                print(number)
                break
        await counted.aclose()
        totals: weft.DuplexStream[float, float] = mesh.demo.total(weft.options(window=1))
        print(await anext(totals), await totals.asend(2.5), await totals.asend(4))
        await totals.aclose()
        try:
            await mesh.demo.sleep(weft.options(timeout=0.05), ms=60_000)
        except weft.Error as error:
            print(error.code)
        try:
            await mesh.demo.fail(code=404, message="as asked")
        except weft.Error as error:
            print(error.code, error.message)


asyncio.run(main(sys.argv[1]))
